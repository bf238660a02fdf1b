/** Read-write locks and semaphores of two languages each: the names of Curator and of kazoo are not the same. */

import type { Language } from '../peers/line-process.ts';
import type { Crew } from './crew.ts';
import type { Scenario, ScenarioOptions, Verdict } from './scenario.ts';
import { work } from './shared-work.ts';
import { judgeSharing, type Use } from './sharing-judge.ts';
import { turnsOf } from './turns.ts';
import { judgeTurns } from './turns-judge.ts';
import type { Said, Worker } from './worker.ts';

type Layout = 'curator' | 'kazoo';

/** Milliseconds of one use; of a lease longer than it takes to get one, so that all of them are in use. */
const LOCK_MS = 4;
const LEASE_MS = 12;
/** So that others come meanwhile. */
const BROKEN_MS = 120;
/** Fewer than there are processes. */
const LEASES = 2;
const BROKEN_ROUNDS = 40;
const PARTNERS: Readonly<Record<Layout, readonly Language[]>> = {
  curator: ['typescript', 'java'],
  kazoo: ['typescript', 'python'],
};

export function readWriteScenario(layout: Layout, share: number): Scenario {
  return {
    name: `read-write lock (${layout})`,
    share,
    run: (crew, options) => shareLock(crew, layout, options, null),
    // One of them respects no lock.
    runBroken: (crew) => shareLock(crew, layout, { rounds: BROKEN_ROUNDS, kills: 0 }, crew.workers[0] as Worker),
  };
}

export function semaphoreScenario(layout: Layout, share: number): Scenario {
  return {
    name: `semaphore (${layout})`,
    share,
    run: (crew, options) => shareLeases(crew, layout, options, null),
    // One of them takes no lease.
    runBroken: (crew) => shareLeases(crew, layout, { rounds: BROKEN_ROUNDS, kills: 0 }, crew.workers[0] as Worker),
  };
}

async function shareLock(
  crew: Crew,
  layout: Layout,
  options: ScenarioOptions,
  broken: Worker | null,
): Promise<Verdict> {
  const { client } = crew;
  const path = `/read-write-${client.uniqueId()}`;
  const counter = `${path}-number`;
  // Not a container, which kazoo does not expect to be gone.
  await client.create(path);
  await client.create(counter, '0');
  const histories = await use(crew, options, layout, (worker) => {
    return `read-write${worker === broken ? '-broken' : ''} ${layout} ${path} ${counter} ${LOCK_MS}`;
  });
  const finalCount = Number(new TextDecoder().decode((await client.getData(counter)).data ?? new Uint8Array()));
  const writes = histories.flatMap(turnsOf);
  const reads = histories.flatMap(usesOf);
  const faults = judgeTurns(writes, finalCount);
  const writing = writes.map(({ who, entered, left, diedAt }) => ({ who, begun: entered, ended: left ?? diedAt }));
  faults.push(...judgeSharing(reads, writing, Number.POSITIVE_INFINITY));
  return { rounds: writes.length + reads.length, faults };
}

async function shareLeases(
  crew: Crew,
  layout: Layout,
  options: ScenarioOptions,
  broken: Worker | null,
): Promise<Verdict> {
  const path = `/semaphore-${crew.client.uniqueId()}`;
  const histories = await use(crew, options, layout, (worker) => {
    if (worker === broken) return `semaphore-broken ${layout} ${path} ${LEASES} ${BROKEN_MS}`;
    return `semaphore ${layout} ${path} ${LEASES} ${LEASE_MS}`;
  });
  const uses = histories.flatMap(usesOf);
  return { rounds: uses.length, faults: judgeSharing(uses, [], LEASES) };
}

function use(
  crew: Crew,
  options: ScenarioOptions,
  layout: Layout,
  what: (worker: Worker) => string,
): Promise<readonly Said[][]> {
  const takesPart = ({ language }: Worker): boolean => PARTNERS[layout].includes(language);
  return work(crew, options, {
    command: (worker) => (takesPart(worker) ? `share ${what(worker)}` : 'idle /'),
    takesPart,
    begins: new Set(['hold', 'enter']),
    isRound: (said) => said.what === 'held' || said.what === 'leave',
  });
}

/** What a process said of the times when others could hold it, too. */
function usesOf(said: readonly Said[]): Use[] {
  const uses: Use[] = [];
  said.forEach(({ what, words, worker }, at) => {
    if (what !== 'hold') return;
    const after = said[at + 1];
    const held = after?.what === 'held' ? after.words : null;
    uses.push({
      who: worker.name,
      begun: BigInt(words[0] ?? 0),
      ended: held === null ? worker.diedAt : BigInt(held[0] ?? 0),
      numbers: held === null ? null : [Number(held[1]), Number(held[2])],
    });
  });
  return uses;
}
