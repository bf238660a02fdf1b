/**
 * kill -9 of any server of an ensemble, at any time, under load, again and again:
 *
 *   node interop/dist/ensemble/kill-rounds.js [--rounds 100] [--kinds headkeeper,headkeeper,headkeeper] [--tick 2000]
 *                                             [--seed N]
 *
 * After each round all servers run again. Prints what each kill cost: the time until the next write that only the
 * survivors can have committed. In the end every acknowledged write must be there, exactly once and in order; every session
 * and every ephemeral must have lived through it all; and the trees of all servers must be the same.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { RandomStream } from '@headkeeper/testkit';
import { numberOf, programOptions } from '../peers/program-options.ts';
import { seedOfRun } from '../seed.ts';
import { Ensemble } from './ensemble.ts';
import { EnsembleLoad, PACE_MS } from './ensemble-load.ts';
import { kindsOf } from './kinds.ts';
import type { MemberKind } from './member.ts';
import { compareTrees } from './tree.ts';
import { endWith, type Verdict } from './verdict.ts';

export interface KillRoundsOptions {
  readonly rounds: number;
  readonly kinds: readonly MemberKind[];
  readonly tickTime: number;
  /** Who is killed, and when. */
  readonly seed: number;
}

/** Zxids are epoch * 2^32 + counter. */
const EPOCH = 2 ** 32;
/** Writes between two rounds, at least. */
const WRITES_BETWEEN = 20;
/** At most so long, in milliseconds, after these writes, and after a start that is to be killed. */
const BEFORE_KILL_MS = 300;
const BEFORE_SECOND_KILL_MS = 600;
/** How long a killed server stays away, in milliseconds. */
const LONGEST_AWAY_MS = 500;
/** Every so many rounds the server is killed once more while it starts. */
const KILLED_START_EVERY = 5;

export async function killRounds(options: KillRoundsOptions, told: (line: string) => void): Promise<Verdict> {
  const { rounds, kinds, tickTime } = options;
  const ensemble = await Ensemble.start({ kinds, tickTime });
  const load = new EnsembleLoad(ensemble, { paceMs: PACE_MS });
  const leaderTimes: number[] = [];
  const otherTimes: number[] = [];
  const random = new RandomStream(options.seed, 'kills');
  let killedStarts = 0;
  try {
    await load.start();
    for (let round = 1; round <= rounds; round++) {
      await load.waitForWrites(WRITES_BETWEEN);
      await pause(random.below(BEFORE_KILL_MS));
      const leader = await ensemble.waitUntilWhole();
      // Every second time the leader, whose death is the one that matters; otherwise anyone.
      const victim = round % 2 === 0 ? leader : random.pick(ensemble.members);
      const epoch = Math.floor(((await leader.zxid()) ?? 0) / EPOCH);
      const led = victim === leader;
      const killed = performance.now();
      const next = load.nextWrite(({ zxid, sent }) => (led ? Math.floor(zxid / EPOCH) > epoch : sent > killed));
      await victim.kill();
      const took = (await bounded(next, load)).answered - killed;
      (led ? leaderTimes : otherTimes).push(took);
      told(`round ${round}: ${victim.name}${led ? ', the leader' : ''}: next write after ${took.toFixed(0)} ms`);
      await pause(random.below(LONGEST_AWAY_MS));
      await victim.start();
      if (round % KILLED_START_EVERY === 0) {
        await pause(random.below(BEFORE_SECOND_KILL_MS));
        await victim.kill();
        await victim.start();
        killedStarts++;
      }
      await ensemble.waitUntilWhole();
      if (load.faults().length > 0) break;
    }
    await load.waitForWrites(WRITES_BETWEEN);
    const faults = await load.finish();
    if (faults.length === 0) faults.push(...(await compareTrees(ensemble)), ...(await load.leave()));
    const { acknowledged, lost, duplicates, sessions, sessionsLost, foundDone, repeated } = load.counts();
    const summary = [
      `${acknowledged} writes acknowledged, lost ${lost}, duplicates ${duplicates}`,
      `${sessions} sessions, lost ${sessionsLost}`,
      `answers lost: ${foundDone} writes found done, ${repeated} repeated; ${killedStarts} starts killed half way`,
      `leader killed, ms to the next write: ${spread(leaderTimes)}`,
      `another killed, ms to the next write: ${spread(otherTimes)}`,
    ].join('\n');
    await ensemble.end(faults.length === 0);
    if (faults.length > 0) faults.push(`the servers' folders are kept: ${ensemble.folder}`);
    return { faults, summary };
  } catch (error) {
    load.abandon();
    await ensemble.end(false);
    throw new Error(`${String(error)}\nthe servers' folders are kept: ${ensemble.folder}`, { cause: error });
  }
}

/** The next write, or an error when the load has ended or nothing is committed for a minute. */
function bounded<T>(next: Promise<T>, load: EnsembleLoad): Promise<T> {
  const over = pause(60_000, undefined, { ref: false }).then(() => {
    throw new Error(`no write is committed after a kill; ${load.faults().join('; ')}`);
  });
  return Promise.race([next, over]);
}

/** Number of values, the least, the median, nine tenths, the most. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return 'none';
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0).toFixed(0);
  return `n=${values.length} min=${at(0)} median=${at(0.5)} p90=${at(0.9)} max=${at(1)}`;
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    rounds: { type: 'string', default: '100' },
    kinds: { type: 'string', default: 'headkeeper,headkeeper,headkeeper' },
    tick: { type: 'string', default: '2000' },
    seed: { type: 'string' },
  });
  const options = {
    rounds: numberOf('rounds', values.rounds),
    kinds: kindsOf(values.kinds),
    tickTime: numberOf('tick', values.tick),
    seed: seedOfRun(values.seed),
  };
  endWith(await killRounds(options, console.log));
}
