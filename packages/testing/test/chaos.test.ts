import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestEnsemble, type TestMember } from '@headkeeper/testing';
import { SeededRandom } from '@headkeeper/testkit';
import { SocketClient } from './socket-client.ts';

const ROUNDS = 40;
const EPHEMERAL = 1;

/** One thing that can happen to an ensemble. */
type Blow = (ensemble: TestEnsemble, member: TestMember, random: SeededRandom) => Promise<void> | void;

const blows: readonly Blow[] = [
  (_ensemble, member) => member.kill(),
  (_ensemble, member) => member.kill({ keepUnsynced: true }),
  (_ensemble, member) => member.stop(),
  (_ensemble, member) => {
    if (member.state === 'running') member.pause();
  },
  (_ensemble, member) => {
    if (member.state === 'running') member.failDisk({ operation: 'sync', code: 'EIO' });
  },
  (_ensemble, member) => {
    if (member.state === 'running') member.disconnectClients();
  },
  (ensemble, member) => ensemble.partition([member.id]),
  (ensemble, _member, random) => ensemble.advance(random.below(300)),
];

async function undo(ensemble: TestEnsemble): Promise<void> {
  ensemble.heal();
  for (const member of ensemble.servers) if (member.state === 'paused') member.resume();
  try {
    await ensemble.restartAll();
  } catch (error) {
    // A fault of a disk can lie in wait since an earlier round.
    if (!/has failed/.test((error as Error).message)) throw error;
    await undo(ensemble);
  }
}

/** A client of a server that may be about to fail, or to lose its leader. */
async function opened(ensemble: TestEnsemble, member: TestMember): Promise<SocketClient> {
  for (;;) {
    try {
      return await SocketClient.open(member.port);
    } catch {
      await undo(ensemble);
    }
  }
}

describe('an ensemble under blows', { timeout: 120_000 }, () => {
  it('keeps every acknowledged write, and is empty after a reset', async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const random = new SeededRandom(seed);
    await using ensemble = await TestEnsemble.start(3);
    const acknowledged: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const victim = ensemble.servers[random.below(3)] as TestMember;
      const served = ensemble.servers[random.below(3)] as TestMember;
      const client = await opened(ensemble, served);
      client.create(`/owner-${round}`, '', EPHEMERAL).catch(() => {});
      const writes = Array.from({ length: 20 }, async (_none, i) => {
        const path = `/r${round}-${i}`;
        await client.create(path).then(
          () => acknowledged.push(path),
          () => {},
        );
      });
      const turns = random.below(6);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      await (blows[random.below(blows.length)] as Blow)(ensemble, victim, random);
      // Those that get no answer end with the connection.
      client.destroy();
      await Promise.all(writes);
      await undo(ensemble);
    }
    for (const member of ensemble.servers) {
      const reader = await opened(ensemble, member);
      await reader.must('sync', { path: '/' });
      const there = new Set(await reader.children('/'));
      const lost = acknowledged.filter((path) => !there.has(path.slice(1)));
      assert.deepEqual(lost, [], `seed ${seed}: server ${member.id} has lost acknowledged writes`);
      reader.destroy();
    }
    assert.ok(acknowledged.length > 0);
    await ensemble.reset();
    for (const member of ensemble.servers) {
      const reader = await SocketClient.open(member.port);
      assert.deepEqual(await reader.children('/'), ['zookeeper'], `seed ${seed}: server ${member.id} after the reset`);
      reader.destroy();
    }
  });
});
