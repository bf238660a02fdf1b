import assert from 'node:assert/strict';
import { tracingChannel } from 'node:diagnostics_channel';
import { after, before, test } from 'node:test';
import { TestEnsemble, TestServer } from '@headkeeper/testing';
import { type Client, connect, isZooKeeperError, type RequestTrace, watchData } from '../src/index.ts';

let server: TestServer;
before(async () => {
  server = await TestServer.start();
});
after(() => server.stop());

/** The next event of this type. */
function event(client: Client, type: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = client.onEvent((heard) => {
      if (heard.type !== type) return;
      stop();
      resolve();
    });
  });
}

test('a session on a real server, from its beginning to its end', async () => {
  let id: bigint;
  {
    await using zk = await connect(server.connectString);
    id = zk.session.id;
    await zk.create('/e', 'x', { mode: 'ephemeral' });
    assert.deepEqual(server.sessions(), [id]);
  }
  await using other = await connect(server.connectString);
  assert.equal(await other.exists('/e'), null);
  assert.ok(!server.sessions().includes(id));
});

test('a server that is killed and comes back: the session goes on, and a stream shows what has changed', async () => {
  await using zk = await connect(server.connectString);
  await zk.create('/k', '1');
  const { id } = zk.session;
  const stream = watchData(zk, '/k');
  await stream.next();
  const lost = event(zk, 'disconnected');
  await server.kill({ keepUnsynced: true });
  await lost;
  const change = zk.setData('/k', '2');
  await server.restart();
  await change;
  assert.equal(Buffer.from((await stream.next()).value?.data ?? []).toString(), '2');
  assert.equal(zk.session.id, id);
  await stream.return(undefined);
});

test('an expired session is renewed', async () => {
  await using zk = await connect(server.connectString);
  const { id } = zk.session;
  const renewed = event(zk, 'sessionExpired').then(() => event(zk, 'connected'));
  await server.expireSession(id);
  await renewed;
  assert.notEqual(zk.session.id, id);
  await zk.sync();
});

test('an ensemble whose leader is killed', async () => {
  const ensemble = await TestEnsemble.start(3);
  try {
    await using zk = await connect(ensemble.connectString, { requestTimeoutMs: 20_000 });
    await zk.create('/n');
    await ensemble.killLeader();
    for (let left = 20; left > 0; left--) {
      try {
        await zk.setData('/n', `${left}`);
      } catch (error) {
        assert.ok(isZooKeeperError(error, 'connectionLoss') && error.outcome === 'unknown', String(error));
      }
    }
    assert.equal(Buffer.from((await zk.getData('/n')).data ?? []).toString(), '1');
  } finally {
    await ensemble.stop();
  }
});

test('a watch of a mode that there is not is refused', async () => {
  await using zk = await connect(server.connectString);
  const refused = zk.addWatch('/', 'PERSISTENT' as 'persistent', () => {});
  await assert.rejects(
    refused,
    (error) => isZooKeeperError(error, 'invalidArgument') && /PERSISTENT/.test(error.message),
  );
});

test('requests are told on a tracing channel, while somebody listens', async () => {
  await using zk = await connect(server.connectString);
  const told: string[] = [];
  const subscriber = {
    start: ({ operation, path }: RequestTrace) => told.push(`start ${operation} ${path}`),
    end: () => {},
    asyncStart: () => {},
    asyncEnd: ({ operation, error }: RequestTrace) =>
      told.push(`end ${operation} ${error === undefined ? 'well' : error}`),
    error: () => {},
  };
  const channel = tracingChannel<object, RequestTrace>('headkeeper.client.request');
  channel.subscribe(subscriber as never);
  try {
    await zk.exists('/none');
    await zk.getData('/none').catch(() => {});
  } finally {
    channel.unsubscribe(subscriber as never);
  }
  await zk.exists('/none');
  assert.deepEqual(told, [
    'start exists /none',
    'end exists well',
    'start getData /none',
    'end getData ZooKeeperError: getData /none: noNode',
  ]);
});
