import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext, test } from 'node:test';
import { type Client, type ClientEvent, connect } from '@headkeeper/client';
import { TestEnsemble, TestServer } from '@headkeeper/testing';

/** A client that ends with the test. */
async function client(t: TestContext, connectString: string): Promise<Client> {
  const opened = await connect(connectString, { sessionTimeoutMs: 30_000 });
  t.after(() => opened.close());
  return opened;
}

function next(of: Client, type: ClientEvent['type']): Promise<ClientEvent> {
  return new Promise((resolve) => {
    const end = of.onEvent((event) => {
      if (event.type !== type) return;
      end();
      resolve(event);
    });
  });
}

describe('what a client sees', { timeout: 60_000 }, () => {
  it('of an expiry: that its session has ended, and a new one', async (t) => {
    await using server = await TestServer.start();
    const zk = await client(t, server.connectString);
    await zk.create('/mine', 'text', { mode: 'ephemeral' });
    const { id } = zk.session;
    const expired = next(zk, 'sessionExpired');
    await server.expireSession(id);
    assert.deepEqual(await expired, { type: 'sessionExpired', sessionId: id });
    await zk.create('/mine', 'again');
    assert.notEqual(zk.session.id, id);
  });

  it('of a reset: the same, and nothing that goes back in time', async (t) => {
    await using ensemble = await TestEnsemble.start(3);
    const zk = await client(t, ensemble.connectString);
    for (let round = 0; round < 10; round++) {
      await zk.create('/a', 'text');
      const before = zk.lastZxid;
      const expired = next(zk, 'sessionExpired');
      await ensemble.reset();
      await expired;
      assert.equal(await zk.exists('/a'), null);
      assert.ok(zk.lastZxid > before);
    }
  });

  it('of a restart: its session, its ephemerals and its watches go on', async (t) => {
    await using server = await TestServer.start();
    const zk = await client(t, server.connectString);
    await zk.create('/mine', 'text', { mode: 'ephemeral' });
    const { id } = zk.session;
    const disconnected = next(zk, 'disconnected');
    await server.kill();
    await disconnected;
    const connected = next(zk, 'connected');
    await server.restart();
    await connected;
    assert.equal(zk.session.id, id);
    assert.equal((await zk.getData('/mine')).stat.ephemeralOwner, id);
  });

  it("of a leader's death: nothing that it has to deal with", async (t) => {
    await using ensemble = await TestEnsemble.start(3);
    const zk = await client(t, ensemble.connectString);
    const { id } = zk.session;
    await zk.create('/a', 'text');
    await ensemble.killLeader();
    await ensemble.waitForLeader();
    for (;;) {
      try {
        await zk.setData('/a', 'other');
        break;
      } catch (error) {
        // The connection may have been to the leader that is gone.
        assert.equal((error as { code?: string }).code, 'connectionLoss');
      }
    }
    assert.equal(zk.session.id, id);
  });
});

test('settings may name a file of users, who log in by SASL; nobody else is served where that is enforced', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-testing-users-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const users = join(folder, 'users');
  writeFileSync(users, 'ann:secret\n', { mode: 0o600 });
  await using server = await TestServer.start({
    settings: { 'sasl.usersFile': users, sessionRequireClientSASLAuth: true },
  });
  await using ann = await connect(server.connectString, { sasl: { username: 'ann', password: 'secret' } });
  await ann.create('/hers', 'x', { acl: [{ perms: 31, scheme: 'sasl', id: 'ann' }] });
  await using stranger = await connect(server.connectString);
  await assert.rejects(stranger.exists('/'));
  await assert.rejects(TestServer.start({ settings: { 'sasl.usersFile': join(folder, 'missing') } }), /ENOENT/);
});
