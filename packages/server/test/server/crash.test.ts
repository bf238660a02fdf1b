import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CrashKind, SeededRandom, SimDisk, TreeModel } from '@headkeeper/testkit';
import { freshState, type Known, SimClock, type SimServer, startAfter } from './sim-server.ts';
import { Workload } from './workload.ts';

/** How the server ends: the machine crashes in one of the twin's ways, or the process alone is killed. */
type End = CrashKind | 'killed';

const ENDS: readonly End[] = ['lose', 'torn', 'keep', 'torn', 'killed'];

/** Operations that make a new directory: every end is tried there, later one at each operation in turn. */
const BEGINNING = 25;

/** How much of it all to do: `HEADKEEPER_CRASH_SCALE=20` for twenty times the ordinary run. */
const SCALE = Math.max(1, Number(process.env.HEADKEEPER_CRASH_SCALE ?? 1));

/** Begins a life of the server on what the clients know. */
function beginLife(server: SimServer, known: Known, random: SeededRandom, largest?: number): Workload {
  const model = known.model.rewound(server.server.lastZxid);
  const options = { shown: known.shown, ...(largest === undefined ? {} : { largest }) };
  return new Workload(server, model, known.sessions, random, options);
}

function endDisk(disk: SimDisk, end: End, seed: number): SimDisk {
  const copy = disk.fork(seed);
  if (end !== 'killed') copy.crash(end, seed);
  return copy;
}

interface Plan {
  readonly seed: number;
  readonly rounds: number;
  readonly largest?: number;
  readonly ignoreSync?: boolean;
  readonly ends?: readonly End[];
}

interface Explored {
  crashes: number;
  /** Operations of the disk that were met, by what they were done to. */
  readonly met: Map<string, number>;
}

/** Runs two lives of a server under random clients and ends copies of it at every operation of the disk. */
function crashEverywhere(plan: Plan): Explored {
  const { seed, ends = ENDS } = plan;
  const random = new SeededRandom(seed);
  const disk = new SimDisk(seed);
  const clock = new SimClock();
  const met = new Map<string, number>();
  let crashes = 0;
  let known: Known = { model: new TreeModel(freshState(), 0), sessions: [], shown: 0 };
  let workload: Workload | null = null;
  let failure: Error | null = null;

  disk.beforeOperation = (count, operation, path) => {
    const kind = `${operation} ${path.slice(path.lastIndexOf('/') + 1).replace(/[.-][^.]*$/, '')}`;
    met.set(kind, (met.get(kind) ?? 0) + 1);
    const tries = count <= BEGINNING ? 2 * ends.length : 1;
    for (let i = 0; i < tries && failure === null; i++) {
      const end = ends[crashes++ % ends.length] as End;
      try {
        liveOn(endDisk(disk, end, seed + crashes), clock.now, seed + crashes, workload ?? known);
      } catch (error) {
        const where = `seed ${seed}, ${end} (${crashes}) before operation ${count} (${operation} ${path})`;
        failure ??= new Error(`${where}: ${(error as Error).message}`, { cause: error });
      }
    }
  };
  for (let life = 0; life < 2; life++) {
    workload = null;
    const server = startAfter(disk, clock, seed + life, known);
    if (plan.ignoreSync === true) disk.ignoreSync = true;
    workload = beginLife(server, known, random, plan.largest);
    play(server, workload, random, plan.rounds, () => {
      if (failure !== null) throw failure;
    });
    known = workload;
    clock.now += 1000;
    if (life === 0) {
      disk.crash('torn', seed);
      continue;
    }
    let closed = false;
    server.server.driver.stop((error) => {
      assert.equal(error, null);
      closed = true;
    });
    server.rest();
    assert.ok(closed);
    assert.equal(workload.unanswered, 0, 'stopped with writes that are logged and not answered');
    assert.equal(workload.shown, workload.model.lastZxid);
  }
  if (failure !== null) throw failure;
  return { crashes, met };
}

/** Starts on what the end has left, serves some clients, ends again in the worst way, and starts once more. */
function liveOn(disk: SimDisk, now: number, seed: number, before: Known): void {
  const clock = new SimClock();
  clock.now = now + 1000;
  const random = new SeededRandom(seed);
  const server = startAfter(disk, clock, seed, before);
  const workload = beginLife(server, before, random);
  play(server, workload, random, 6, () => {});
  clock.now += 1000;
  startAfter(endDisk(disk, random.chance() ? 'lose' : 'torn', seed), clock, seed + 1, workload);
}

function play(
  server: SimServer,
  workload: Workload,
  random: SeededRandom,
  rounds: number,
  afterRound: () => void,
): void {
  for (let round = 0; round < rounds; round++) {
    for (let i = random.below(4); i >= 0; i--) workload.act();
    if (random.below(6) === 0) server.rest();
    else server.turn(random.below(10));
    workload.sweep();
    afterRound();
    assert.deepEqual(server.errors, []);
    assert.equal(server.server.replica.serving.statistics.digestMismatches, 0);
  }
}

describe('the whole server, ended at every operation of its disk', () => {
  it('recovers what it acknowledged, and goes on', () => {
    let crashes = 0;
    for (let seed = 1; seed <= 2 * SCALE; seed++) {
      const explored = crashEverywhere({ seed, rounds: 50 });
      crashes += explored.crashes;
      // Rolls, snapshots and purges: a test that never meets them would say nothing of them.
      for (const kind of ['rename spare', 'rename tmp', 'remove snapshot', 'remove log']) {
        assert.ok((explored.met.get(kind) ?? 0) >= 3, `${kind} in ${JSON.stringify([...explored.met])}`);
      }
    }
    assert.ok(crashes > 700 * SCALE, `only ${crashes} crashes`);
  });

  it('does so with writes larger than a log buffer', () => {
    for (let seed = 101; seed <= 100 + SCALE; seed++) {
      crashEverywhere({ seed, rounds: 20, largest: 150_000 });
    }
  });

  it('is caught losing once fdatasync is taken out', () => {
    const plan = { rounds: 50, ignoreSync: true, ends: ['lose'] } as const;
    for (const seed of [1, 2, 3])
      assert.throws(() => crashEverywhere({ ...plan, seed }), /: lost: clients have seen|would be lost/);
  });
});
