import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { TestEnsemble, type TestEnsembleOptions, type TestMember } from '@headkeeper/testing';
import { SocketClient } from './socket-client.ts';

const EPHEMERAL = 1;

async function started(t: TestContext, servers?: number, options?: TestEnsembleOptions): Promise<TestEnsemble> {
  const ensemble = await TestEnsemble.start(servers, options);
  t.after(() => ensemble[Symbol.asyncDispose]());
  return ensemble;
}

async function joined(t: TestContext, member: TestMember): Promise<SocketClient> {
  const client = await SocketClient.open(member.port);
  t.after(() => client.destroy());
  return client;
}

/** Lets the loop turn until something has come about; the test's own time limit ends it otherwise. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** What a server has, once it has everything that was committed before. */
async function childrenAt(t: TestContext, member: TestMember): Promise<readonly string[]> {
  const client = await joined(t, member);
  await client.must('sync', { path: '/' });
  return client.children('/');
}

describe('TestEnsemble', { timeout: 60_000 }, () => {
  it('replicates what is written through any server', async (t) => {
    const ensemble = await started(t);
    const leader = ensemble.leader();
    assert.equal(leader?.role, 'leader');
    assert.equal(ensemble.followers().length, 2);
    assert.deepEqual(
      ensemble.servers.map(({ id }) => id),
      [1, 2, 3],
    );
    assert.equal(ensemble.connectString, ensemble.servers.map(({ port }) => `127.0.0.1:${port}`).join(','));
    for (const member of ensemble.servers) await (await joined(t, member)).create(`/from-${member.id}`);
    for (const member of ensemble.servers) {
      assert.deepEqual(await childrenAt(t, member), ['from-1', 'from-2', 'from-3', 'zookeeper']);
    }
  });

  it('elects another leader when the leader is killed, and takes the old one back', async (t) => {
    const ensemble = await started(t);
    await (await joined(t, ensemble.followers()[0] as TestMember)).create('/before');
    const killed = await ensemble.killLeader();
    assert.deepEqual([killed.state, killed.role, killed.isServing], ['stopped', null, false]);
    const next = await ensemble.waitForLeader();
    assert.notEqual(next.id, killed.id);
    await (await joined(t, next)).create('/without');
    await killed.restart();
    await killed.waitUntilServing();
    assert.equal(killed.role, 'follower');
    assert.deepEqual(await childrenAt(t, killed), ['before', 'without', 'zookeeper']);
  });

  it('leaves a leader that is cut off without a voice, and heals', async (t) => {
    const ensemble = await started(t);
    const old = ensemble.leader() as TestMember;
    const others = ensemble.servers.filter((member) => member !== old);
    const client = await joined(t, old);
    await client.create('/before');
    ensemble.partition(
      [old.id],
      others.map(({ id }) => id),
    );
    let isAcknowledged = false;
    client.create('/lost').then(
      () => {
        isAcknowledged = true;
      },
      () => {},
    );
    await until(() => ensemble.leader() !== old && ensemble.leader() !== null);
    const next = await ensemble.waitForLeader();
    assert.ok(others.includes(next));
    await (await joined(t, next)).create('/majority');
    assert.equal(isAcknowledged, false);
    ensemble.heal();
    await old.waitUntilServing();
    assert.deepEqual(await childrenAt(t, old), ['before', 'majority', 'zookeeper']);
    assert.equal(isAcknowledged, false);
  });

  it('has no leader without a quorum that can talk, and one again afterwards', async (t) => {
    const ensemble = await started(t);
    ensemble.partition([1], [2], [3]);
    await until(() => !ensemble.servers.some(({ isServing }) => isServing));
    assert.equal(ensemble.leader(), null);
    await assert.rejects(ensemble.waitForLeader(50), /no server leads after 50 ms: server 1 is looking/);
    ensemble.partition([1, 3]);
    const leader = await ensemble.waitForLeader();
    assert.notEqual(leader.id, 2);
    ensemble.heal();
    for (const member of ensemble.servers) await member.waitUntilServing();
  });

  it('goes on without a leader that is paused, which follows when it goes on', async (t) => {
    const ensemble = await started(t);
    const old = ensemble.leader() as TestMember;
    old.pause();
    assert.equal(old.state, 'paused');
    const next = await ensemble.waitForLeader();
    assert.notEqual(next, old);
    await (await joined(t, next)).create('/meanwhile');
    old.resume();
    await until(() => old.role === 'follower');
    assert.deepEqual(await childrenAt(t, old), ['meanwhile', 'zookeeper']);
  });

  it('lets another lead when the leader is stopped, at once', async (t) => {
    const ensemble = await started(t);
    const old = ensemble.leader() as TestMember;
    await old.stop();
    assert.notEqual(await ensemble.waitForLeader(), old);
    await old.restart();
    await old.waitUntilServing();
  });

  it('expires a session on every server', async (t) => {
    const ensemble = await started(t);
    const [follower, other] = ensemble.followers() as [TestMember, TestMember];
    const client = await joined(t, follower);
    const witness = await joined(t, other);
    await client.create('/mine', '', EPHEMERAL);
    await witness.must('sync', { path: '/' });
    await witness.must('exists', { path: '/mine', watch: true });
    await ensemble.expireSession(client.sessionId);
    assert.equal((await witness.event()).path, '/mine');
    await client.closed();
    assert.deepEqual(ensemble.sessions(), [witness.sessionId]);
  });

  it('lets its time go on for all servers, and keeps its leader', async (t) => {
    const ensemble = await started(t);
    const leader = ensemble.leader();
    const client = await SocketClient.open((ensemble.followers()[0] as TestMember).port, { timeOut: 60_000 });
    t.after(() => client.destroy());
    await client.create('/mine', '', EPHEMERAL);
    await ensemble.advance(50_000);
    assert.deepEqual(ensemble.sessions(), [client.sessionId]);
    await ensemble.advance(12_000);
    assert.deepEqual(ensemble.sessions(), []);
    await client.closed();
    assert.equal(ensemble.leader(), leader);
    assert.equal(ensemble.followers().length, 2);
  });

  it('keeps its leader while the whole process stands still', async (t) => {
    const ensemble = await started(t);
    const leader = ensemble.leader();
    const client = await joined(t, leader as TestMember);
    const epochs = new Set<number>();
    for (let round = 0; round < 3; round++) {
      await client.create(`/a${round}`);
      const { zxid } = await client.must('exists', { path: `/a${round}`, watch: false });
      epochs.add(Math.floor(zxid / 2 ** 32));
      const end = performance.now() + 700;
      while (performance.now() < end);
      // What the servers conclude from it they do at once.
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(ensemble.leader(), leader);
    // A leader that had led again would have done so in a new epoch.
    assert.equal(epochs.size, 1);
    assert.equal(ensemble.followers().length, 2);
  });

  it('begins afresh on every server, those that are down aside', async (t) => {
    const ensemble = await started(t);
    const [follower, other] = ensemble.followers() as [TestMember, TestMember];
    const clients = await Promise.all([joined(t, follower), joined(t, ensemble.leader() as TestMember)]);
    for (const [at, client] of clients.entries()) await client.create(`/mine-${at}`, '', EPHEMERAL);
    await clients[0].create('/a');
    await other.kill();
    await ensemble.reset();
    assert.deepEqual(ensemble.sessions(), []);
    for (const client of clients) await client.closed();
    for (const member of [follower, ensemble.leader() as TestMember]) {
      assert.deepEqual(await (await joined(t, member)).children('/'), ['zookeeper']);
    }
    await other.restart();
    await other.waitUntilServing();
    assert.deepEqual(await childrenAt(t, other), ['zookeeper']);
  });

  it('goes on without a server whose disk fails', async (t) => {
    const ensemble = await started(t);
    const leader = ensemble.leader() as TestMember;
    await (await joined(t, leader)).create('/before');
    const client = await joined(t, ensemble.followers()[0] as TestMember);
    leader.failDisk({ operation: 'sync', code: 'EIO' });
    client.create('/in-between').catch(() => {});
    assert.equal((await leader.waitUntilFailed()).exitCode, 10);
    const next = await ensemble.waitForLeader();
    await (await joined(t, next)).create('/after');
    await leader.restart();
    await leader.waitUntilServing();
    const names = await childrenAt(t, leader);
    assert.ok(names.includes('before') && names.includes('after'), names.join());
  });

  it('has what was acknowledged after all servers were stopped, in memory or in folders', async (t) => {
    const dir = mkdtempSync(`${tmpdir()}/testing-`);
    t.after(() => rmSync(dir, { recursive: true }));
    for (const options of [{}, { dir }]) {
      const ensemble = await started(t, 3, options);
      await (await joined(t, ensemble.servers[0] as TestMember)).create('/kept');
      await ensemble.stop();
      assert.equal(ensemble.leader(), null);
      await ensemble.restartAll();
      for (const member of ensemble.servers) assert.deepEqual(await childrenAt(t, member), ['kept', 'zookeeper']);
      await ensemble.stop();
    }
    const later = await started(t, 3, { dir });
    assert.deepEqual(await childrenAt(t, later.servers[2] as TestMember), ['kept', 'zookeeper']);
  });

  it('has one server, or nine', async (t) => {
    for (const size of [1, 9]) {
      const ensemble = await started(t, size);
      await (await joined(t, ensemble.servers[0] as TestMember)).create('/a');
      assert.equal(ensemble.followers().length, size - 1);
      await ensemble.reset();
    }
  });

  it('says what is wrong', async (t) => {
    await assert.rejects(TestEnsemble.start(0), { name: 'TestingError', message: /1 to 9 servers, not 0/ });
    await assert.rejects(TestEnsemble.start(2.5), /1 to 9 servers/);
    await assert.rejects(TestEnsemble.start(3, { port: 65_534 }), /port: expected a number from 1 to 65533/);
    await assert.rejects(TestEnsemble.start(3, { settings: { syncLimit: 'x' } }), /syncLimit=x: expected/);
    const ensemble = await started(t);
    assert.throws(() => ensemble.partition([1, 4]), /there is no server 4; ids are 1 to 3/);
    assert.throws(() => ensemble.partition([1], [1, 2]), /server 1 is in two groups/);
    await ensemble.stop();
    await assert.rejects(ensemble.reset(), /no server leads; waitForLeader\(\) first/);
    assert.throws(() => ensemble.sessions(), /no server leads/);
  });
});
