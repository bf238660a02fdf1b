import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CrashPoint, exploreCrashes, SeededRandom, SimDisk } from '@headkeeper/testkit';
import {
  assertGoodDirectory,
  assertPrefix,
  ModelServer,
  makeFolders,
  recoverModel,
  type Step,
} from './model-server.ts';

type Mode = 'lone' | 'group' | 'mixed';

const TORN_SEEDS = [1, 2, 3, 4];
const ROUNDS = 25;

interface Faults {
  readonly ignoreSync?: boolean;
  readonly ignoreSyncDir?: boolean;
}

/**
 * Runs a workload drawn from the seed, crashes it everywhere, and starts on what is left. Returns how many crashes there
 * were; throws at the first that loses something acknowledged, invents something, or prevents the start.
 */
function crashEverywhere(mode: Mode, seed: number, faults: Faults = {}): number {
  const random = new SeededRandom(seed);
  const disk = new SimDisk(seed);
  makeFolders(disk);
  disk.ignoreSync = faults.ignoreSync === true;
  disk.ignoreSyncDir = faults.ignoreSyncDir === true;
  let server: ModelServer | null = null;
  let before: readonly Step[] = [];

  const workload = (): void => {
    for (let life = 0; life < 2; life++) {
      server = null;
      server = new ModelServer(disk, random, before);
      for (let round = 0; round < ROUNDS; round++) playRound(server, random, mode);
      server.close();
      assert.equal(server.failure, null);
      before = server.history;
    }
  };
  const visit = (point: CrashPoint): void => {
    try {
      const acknowledged = server?.acknowledged ?? before.at(-1)?.zxid ?? 0;
      checkCrash(point, server?.history ?? before, acknowledged, seed);
    } catch (error) {
      throw new Error(`${mode}, seed ${seed}: ${point.label}: ${(error as Error).message}`, { cause: error });
    }
  };
  return exploreCrashes(disk, { tornSeeds: TORN_SEEDS.map((torn) => torn + seed * 10) }, workload, visit);
}

function playRound(server: ModelServer, random: SeededRandom, mode: Mode): void {
  const appends = mode === 'lone' ? 1 : random.below(4);
  for (let i = 0; i < appends; i++) server.append();
  if (random.below(4) > 0) server.flush(mode === 'lone' || (mode === 'mixed' && random.chance()));
  if (random.below(8) === 0) server.roll();
  if (random.below(8) === 0) server.snapshot();
  if (random.below(8) === 0) server.purge();
  server.turn(random.below(10));
}

/** Starts after the crash, goes on writing, and crashes once more. */
function checkCrash(point: CrashPoint, history: readonly Step[], acknowledged: number, seed: number): void {
  const recovery = recoverModel(point.disk);
  assertPrefix(recovery, history);
  assertGoodDirectory(point.disk, recovery);
  assert.ok(
    recovery.lastZxid >= acknowledged,
    `lost 0x${acknowledged.toString(16)}: recovered 0x${recovery.lastZxid.toString(16)} only`,
  );
  const next = new ModelServer(point.disk, new SeededRandom(seed + 1), history);
  for (const lone of [false, true]) {
    next.append();
    next.flush(lone);
    next.rest();
  }
  assert.equal(next.acknowledged, next.lastZxid);
  point.disk.crash('lose');
  const again = recoverModel(point.disk);
  assertPrefix(again, next.history);
  assert.equal(again.lastZxid, next.lastZxid, 'lost what was written after the first crash');
}

describe('a crash at every operation of log, roll, snapshot and purge', () => {
  for (const mode of ['lone', 'group', 'mixed'] as const) {
    it(`loses nothing acknowledged, ${mode}`, () => {
      let crashes = 0;
      for (let seed = 1; seed <= 3; seed++) crashes += crashEverywhere(mode, seed);
      assert.ok(crashes > 1000, `only ${crashes} crashes`);
    });

    it(`is caught losing when syncs are taken out, ${mode}`, () => {
      assert.throws(() => crashEverywhere(mode, 1, { ignoreSync: true }), /lost|damaged|missing|snapshot/i);
    });

    it(`is caught losing when syncs of the folder are taken out, ${mode}`, () => {
      assert.throws(() => crashEverywhere(mode, 1, { ignoreSyncDir: true }), /lost|missing|snapshot/i);
    });
  }
});
