/** One run of all scenarios against a server of our own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import type { Language } from '../peers/line-process.ts';
import { counterScenario } from './counter.ts';
import { Crew } from './crew.ts';
import { doubleBarrierScenario } from './double-barrier.ts';
import { membersScenario } from './members.ts';
import {
  itemQueueScenario,
  kazooQueueScenario,
  lockingQueueScenario,
  namedQueueScenario,
  queueScenario,
  timedQueueScenario,
} from './queue.ts';
import type { Scenario } from './scenario.ts';
import { readWriteScenario, semaphoreScenario } from './sharing.ts';
import { turnsScenario } from './turns.ts';
import { installWorkers } from './worker.ts';

const CREW: readonly Language[] = ['typescript', 'java', 'python', 'typescript'];
const ROUNDS_PER_KILL = 20;
/** So often what is planted is tried: it does not always meet anybody, where the machine has much else to do. */
const MOST_PLANTED = 5;

const partyScenario = membersScenario('party', 'party', 0.02);
const shallowPartyScenario = membersScenario('shallow', 'shallow party', 0.02);
const SCENARIOS: readonly Scenario[] = [
  turnsScenario('lock', 'lock', 0.09),
  turnsScenario('kazoo-lock', "lock (kazoo's own)", 0.05),
  turnsScenario('latch', 'election (latch)', 0.08),
  turnsScenario('selector', 'election (selector)', 0.07),
  readWriteScenario('curator', 0.06),
  readWriteScenario('kazoo', 0.05),
  semaphoreScenario('curator', 0.05),
  semaphoreScenario('kazoo', 0.055),
  doubleBarrierScenario,
  counterScenario,
  queueScenario,
  itemQueueScenario,
  namedQueueScenario,
  timedQueueScenario,
  kazooQueueScenario,
  lockingQueueScenario,
  membersScenario('service', 'service discovery', 0.04),
  partyScenario,
  shallowPartyScenario,
];

/** Left out of a slice, which has to be short: another scenario of the slice has the same judge and much of the same code. */
const NOT_IN_SLICE: ReadonlySet<Scenario> = new Set([
  timedQueueScenario,
  kazooQueueScenario,
  partyScenario,
  shallowPartyScenario,
]);

export interface ContentionResult {
  /** What went well. */
  readonly passed: readonly string[];
  readonly faults: readonly string[];
  readonly summary: string;
}

/** How long a run is. */
export interface ContentionSize {
  /** Of all scenarios together. */
  readonly rounds: number;
  /** How long a dead process stands in the way; a living one that does not run for so long is a fault. */
  readonly sessionTimeoutMs: number;
  /** Only some of the scenarios. */
  readonly isSlice: boolean;
}

export const contentionSlice: ContentionSize = { rounds: 60, sessionTimeoutMs: 1_500, isSlice: true };

/** @param rounds Of a whole run. */
export function wholeContention(rounds: number): ContentionSize {
  return { rounds, sessionTimeoutMs: 4_000, isSlice: false };
}

/** Runs the scenarios one after the other. */
export async function contention(
  { rounds, sessionTimeoutMs, isSlice }: ContentionSize,
  report: (line: string) => void,
): Promise<ContentionResult> {
  await installWorkers();
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-contention-'));
  const server = await startHeadkeeper({ dataDir: join(folder, 'data'), extraConfig: { tickTime: '500' } });
  const passed: string[] = [];
  const faults: string[] = [];
  const begun = performance.now();
  let done = 0;
  let kills = 0;
  try {
    const crew = await Crew.start(server.address, sessionTimeoutMs, CREW);
    for (const scenario of SCENARIOS) {
      if (isSlice && NOT_IN_SLICE.has(scenario)) continue;
      const { name } = scenario;
      const before = crew.kills;
      let broken = await scenario.runBroken(crew);
      for (let i = 1; i < MOST_PLANTED && broken.faults.length === 0; i++) broken = await scenario.runBroken(crew);
      if (broken.faults.length === 0) faults.push(`${name}: the judge did not see what was planted`);
      else passed.push(`${name}: the judge sees what is planted (${broken.faults[0]})`);
      const own = Math.round(rounds * scenario.share);
      const verdict = await scenario.run(crew, { rounds: own, kills: Math.max(1, Math.round(own / ROUNDS_PER_KILL)) });
      faults.push(...verdict.faults.map((fault) => `${name}: ${fault}`));
      faults.push(...crew.mishaps.splice(0).map((mishap) => `${name}: ${mishap}`));
      passed.push(`${name}: ${verdict.rounds} rounds, ${crew.kills - before} kills`);
      report(`${passed.at(-2)}\n${passed.at(-1)}, ${verdict.faults.length} faults`);
      done += verdict.rounds;
    }
    kills = crew.kills;
    await crew.end();
  } finally {
    await server.stop();
  }
  if (faults.length === 0) rmSync(folder, { recursive: true, force: true });
  else report(`the server's folder is kept: ${folder}`);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  return {
    passed,
    faults,
    summary: `${done} rounds, ${kills} processes killed, ${faults.length} faults, ${seconds} s`,
  };
}
