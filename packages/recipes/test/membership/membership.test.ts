import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Client, connect, isZooKeeperError, watchData } from '@headkeeper/client';
import { GroupMembership, PersistentNode } from '@headkeeper/recipes';
import { TestEnsemble } from '@headkeeper/testing';
import { Relay } from '../support/relay.ts';
import { endSession, ServedTests } from '../support/test-server.ts';

const served = new ServedTests();
let zk: Client;

before(async () => {
  await served.start();
  zk = await served.connect();
});
after(() => served.stop());

const textOf = (data: Uint8Array | null | undefined): string => new TextDecoder().decode(data ?? undefined);

/** Waits until the znode is there, or is not, and belongs to another creation than before. */
async function seen(path: string, isThere: boolean, notCzxid = 0): Promise<number> {
  for await (const znode of watchData(zk, path)) {
    if (znode === null ? !isThere : isThere && znode.stat.czxid !== notCzxid) return znode?.stat.czxid ?? 0;
  }
  throw new Error('the client was closed');
}

describe('PersistentNode', () => {
  it('is made again when somebody deletes it and when its session ends, with the data last set', async () => {
    const client = await served.connect();
    const node = new PersistentNode(client, '/persistent/node', { data: 'a' });
    await node.start();
    const first = await seen('/persistent/node', true);
    await zk.delete('/persistent/node');
    const second = await seen('/persistent/node', true, first);
    await node.setData('b');
    assert.equal(textOf((await zk.getData('/persistent/node')).data), 'b');
    await endSession(client, served.connectString);
    await seen('/persistent/node', true, second);
    assert.equal(textOf((await zk.getData('/persistent/node')).data), 'b');
    await node.close();
    assert.equal(await zk.exists('/persistent/node'), null);
    assert.equal(node.isThere, false);
    await assert.rejects(node.start(), /was closed/);
  });

  it('leaves nothing behind when it is closed while its creation is in doubt', async () => {
    for (const before of [0, 1]) {
      const { client, relay } = await served.connectThrough();
      await zk.create(`/doubt-${before}`);
      const node = new PersistentNode(client, `/doubt-${before}/node`);
      const lost = relay.loseAnswer(before);
      const starting = node.start();
      await lost;
      const closing = node.close();
      await Promise.allSettled([starting]);
      await closing;
      await client.sync('/');
      assert.equal(await client.exists(`/doubt-${before}/node`), null);
    }
  });

  it('leaves nothing behind when its creation is still under way at the servers', async () => {
    await using ensemble = await TestEnsemble.start(3);
    const relay = await Relay.to(ensemble.leader()!.port);
    const client = await connect(relay.connectString, { sessionTimeoutMs: 30_000 });
    const leader = await connect(ensemble.leader()!.connectString);
    const followers = ensemble.followers();
    for (const follower of followers) follower.pause();
    const node = new PersistentNode(client, '/under-way');
    await client.exists('/');
    const isBack = new Promise<void>((resolve) => {
      client.onEvent(({ type }) => type === 'connected' && resolve());
    });
    // The first looks whether it is there.
    relay.cutBehindRequests(2);
    const starting = node.start();
    await isBack;
    assert.equal(await client.exists('/under-way'), null);
    const asked = relay.hearsRequest();
    const closing = node.close();
    await asked;
    // Only when the leader has heard the question, too, may the creation go on.
    await leader.exists('/');
    for (const follower of followers) follower.resume();
    await Promise.all([closing, assert.rejects(starting, /was closed/)]);
    await client.sync('/');
    assert.equal(await client.exists('/under-way'), null);
    await Promise.all([client.close(), leader.close()]);
    relay.close();
  });

  it('takes over what another of its client has left in the session', async () => {
    await zk.create('/left', 'of before', { mode: 'ephemeral' });
    const node = new PersistentNode(zk, '/left', { data: 'of now' });
    await node.start();
    assert.equal(textOf((await zk.getData('/left')).data), 'of now');
    await node.close();
    assert.equal(await zk.exists('/left'), null);
  });

  it('waits for another session, or takes its place', async () => {
    const [other, client] = await Promise.all([served.connect(), served.connect()]);
    await other.create('/taken', 'theirs', { mode: 'ephemeral' });
    const patient = new PersistentNode(client, '/taken', { data: 'ours' });
    await assert.rejects(patient.start({ timeoutMs: 40 }), (error) => isZooKeeperError(error, 'requestTimeout'));
    assert.equal(textOf((await zk.getData('/taken')).data), 'theirs');
    await other.close();
    await patient.start();
    assert.equal(textOf((await zk.getData('/taken')).data), 'ours');
    const impatient = new PersistentNode(zk, '/taken', { data: 'mine', ifTaken: 'replace' });
    await impatient.start();
    assert.equal(textOf((await zk.getData('/taken')).data), 'mine');
    await patient.close();
    assert.equal(textOf((await zk.getData('/taken')).data), 'mine', 'only its own is removed');
    await impatient.close();
  });

  it('says why it cannot be made', async () => {
    const node = new PersistentNode(zk, '/zookeeper/quota/x/y/z', { acl: [] });
    await assert.rejects(node.start(), (error) => isZooKeeperError(error, 'invalidACL'));
  });
});

describe('GroupMembership', () => {
  it('shows who is there in each layout, as they come and go', async () => {
    for (const layout of ['curator', 'kazoo', 'kazoo shallow'] as const) {
      const path = `/group-${layout.replace(' ', '-')}`;
      const client = await served.connect();
      const one = new GroupMembership(zk, path, { layout, id: 'one', data: '1' });
      const two = new GroupMembership(client, path, { layout, id: 'two', data: '2' });
      await one.join();
      const history: string[][] = [];
      for await (const members of one.watch()) {
        const ids = members.map(({ id }) => id);
        history.push(ids);
        if (history.length === 1) await two.join();
        else if (ids.length === 2) await client.close();
        else break;
      }
      assert.deepEqual(history, [['one'], ['one', 'two'], ['one']]);
      const { children } = await zk.getChildren(path);
      assert.match(
        children[0]!,
        { curator: /^one$/, kazoo: /^[0-9a-f]{32}__party__$/, 'kazoo shallow': /^[0-9a-f]{32}-one$/ }[layout],
      );
      await one.leave();
      assert.deepEqual(await one.members(), []);
    }
  });

  it('is watched however long there is no connection, until the signal or the client ends it', async () => {
    const { client, relay } = await served.connectThrough({ requestTimeoutMs: 50 });
    const one = new GroupMembership(zk, '/group-far', { id: 'one' });
    await one.join();
    const far = new GroupMembership(client, '/group-far');
    relay.shut();
    await assert.rejects(client.exists('/'), (error) => isZooKeeperError(error, 'requestTimeout'));
    const controller = new AbortController();
    const [first, given] = [{}, { signal: controller.signal }].map((options) => far.watch(options).next());
    await assert.rejects(client.exists('/'), (error) => isZooKeeperError(error, 'requestTimeout'));
    controller.abort();
    assert.deepEqual(await given, { value: undefined, done: true });
    relay.open();
    assert.deepEqual(
      (await first)?.value?.map(({ id }) => id),
      ['one'],
    );
    await client.close();
    assert.deepEqual(await far.watch().next(), { value: undefined, done: true });
  });
});
