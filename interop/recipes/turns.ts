/** Turns of all languages at one lock, one election by latch, one election by selector; and of two at kazoo's own lock. */

import { until } from '../ensemble/waiting.ts';
import type { Language } from '../peers/line-process.ts';
import type { Crew } from './crew.ts';
import type { Scenario, ScenarioOptions, Verdict } from './scenario.ts';
import { judgeTurns, type Turn } from './turns-judge.ts';
import type { Said, Worker } from './worker.ts';

type TurnKind = 'lock' | 'kazoo-lock' | 'latch' | 'selector';

/** Milliseconds between reading and writing the number. */
const HOLD_MS = 4;

const EVERYBODY: readonly Language[] = ['typescript', 'java', 'python'];
/** Curator does not take kazoo's own names for those of a lock. */
const PARTNERS: Readonly<Record<TurnKind, readonly Language[]>> = {
  lock: EVERYBODY,
  'kazoo-lock': ['typescript', 'python'],
  latch: EVERYBODY,
  selector: EVERYBODY,
};

/** One scenario of turns. */
export function turnsScenario(kind: TurnKind, name: string, share: number): Scenario {
  return {
    name,
    share,
    run: (crew, options) => takeTurns(crew, kind, options, null),
    // One of them respects no lock.
    runBroken: (crew) => takeTurns(crew, kind, { rounds: 20, kills: 0 }, crew.workers[0] as Worker),
  };
}

async function takeTurns(
  crew: Crew,
  kind: TurnKind,
  { rounds, kills }: ScenarioOptions,
  broken: Worker | null,
): Promise<Verdict> {
  const { client } = crew;
  const path = `/${kind}-${client.uniqueId()}`;
  const counter = `${path}-number`;
  // Not a container, which kazoo does not expect to be gone.
  await client.create(path);
  await client.create(counter, '0');
  const mayTakePart = ({ language }: Worker): boolean => PARTNERS[kind].includes(language);
  const taking = new Set<Worker>();
  const takePart = (worker: Worker): void => {
    taking.add(worker);
    worker.send(`turns ${worker === broken ? 'broken' : kind} ${path} ${counter} ${HOLD_MS}`);
  };
  const begun = new Map(crew.workers.map((worker) => [worker, worker.said.length]));
  const turns: Said[] = [];
  const replacing = new Set<Promise<void>>();
  const killsAt = new Set(Array.from({ length: kills }, (_, i) => Math.floor(((i + 0.5) * rounds) / kills)));
  let enters = 0;
  const killOne = (holder: Worker): void => {
    // A holder within its turn, and one that waits, by turns.
    const waiting = crew.workers.filter((worker) => worker !== holder && mayTakePart(worker) && !worker.isKilled);
    const victim = crew.kills % 2 === 0 ? holder : waiting[enters % waiting.length];
    if (victim === undefined || victim.isKilled) return;
    const replaced = crew.replace(victim).then((fresh) => {
      begun.set(fresh, 0);
      if (turns.length < rounds) takePart(fresh);
    });
    replacing.add(replaced);
    void replaced.then(() => replacing.delete(replaced));
  };
  crew.heard = (said) => {
    if (said.what === 'leave') turns.push(said);
    if (said.what !== 'enter') return;
    if (killsAt.has(enters++)) killOne(said.worker);
  };
  crew.workers.filter(mayTakePart).forEach(takePart);
  await until(`${rounds} turns`, 60_000 + rounds * 1_000, () => turns.length >= rounds || crew.mishaps.length > 0);
  await Promise.all(replacing);
  const remaining = crew.workers.filter((worker) => taking.has(worker));
  for (const worker of remaining) worker.send('stop');
  await Promise.all(remaining.map((worker) => worker.hears('stopped', begun.get(worker))));
  crew.heard = () => {};
  const all = [...begun].flatMap(([worker, from]) => turnsOf(worker.said.slice(from)));
  const finalCount = Number(new TextDecoder().decode((await client.getData(counter)).data ?? new Uint8Array()));
  return { rounds: all.filter(({ left }) => left !== null).length, faults: judgeTurns(all, finalCount) };
}

/** What a process said of its turns. */
export function turnsOf(said: readonly Said[]): Turn[] {
  const turns: Turn[] = [];
  said.forEach(({ what, words, worker }, at) => {
    if (what !== 'enter') return;
    const [entered = '0', token = 'none'] = words;
    const leave = said.slice(at + 1).find((later) => later.what === 'leave' || later.what === 'enter');
    const hasLeft = leave?.what === 'leave';
    turns.push({
      who: worker.name,
      entered: BigInt(entered),
      token: token === 'none' ? null : BigInt(token),
      left: hasLeft ? BigInt(leave.words[0] ?? 0) : null,
      before: hasLeft ? Number(leave.words[1]) : null,
      diedAt: worker.diedAt,
    });
  });
  return turns;
}
