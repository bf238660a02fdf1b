/** A stretch of load and faults, then quiet, and the verdict on everything that was seen. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { deriveSeed, RandomStream } from '@headkeeper/testkit';
import { compareTrees } from '../ensemble/tree.ts';
import { search } from '../histories/search.ts';
import { runToEnd } from '../peers/command.ts';
import { repositoryRoot } from '../peers/peer-cache.ts';
import type { Arena } from './arena.ts';
import type { ChaosClient } from './client.ts';
import { Crew } from './crew.ts';
import type { FaultInjector } from './fault-injector.ts';
import { HistoryFile } from './history.ts';
import { AliveWorkload } from './workloads/alive.ts';
import { CounterWorkload } from './workloads/counter.ts';
import { LockWorkload } from './workloads/lock.ts';
import { QueueWorkload } from './workloads/queue.ts';
import { RegisterWorkload } from './workloads/register.ts';
import { SetWorkload } from './workloads/set.ts';
import { WatchWorkload } from './workloads/watches.ts';
import { ensure, type Workload } from './workloads/workload.ts';

export interface EpisodeResult {
  readonly requests: number;
  readonly unknown: number;
  readonly clientKills: number;
  readonly expiries: number;
  /** By workload: what it came to. */
  readonly told: readonly string[];
  /** One sentence each. */
  readonly faults: readonly string[];
}

const FAST_CHECKS = join(repositoryRoot, 'packages/sim/dist/src/histories/main.js');
/** Beyond the time of a session, and of a client that tries one server after the other. */
const PATIENCE_MS = 30_000;
const PLANTED_PATIENCE_MS = 500;
const PLANTED_LASTING_MS = 4_000;
const PLANTED_PACE_MS = 40;
const CLIENT_LIVES_MS = 9_000;

/** @param paceMs Mean pause between two rounds of one client in one workload. */
export async function episode(
  arena: Arena,
  injector: FaultInjector,
  name: string,
  lastingMs: number,
  paceMs: number,
): Promise<EpisodeResult> {
  const root = `/${name}`;
  const seed = deriveSeed(arena.seed, name);
  const historyPath = join(arena.folder, `${name}.history.jsonl`);
  const registersPath = join(arena.folder, `${name}.registers.jsonl`);
  const history = new HistoryFile(historyPath, `chaos ${name}`);
  const workloads = workloadsOf(root, registersPath);
  const crew = new Crew(arena, history, workloads, paceMs, seed);
  const judge = await begin(crew, root, workloads);
  const over = performance.now() + lastingMs;
  const breaking = injector.run(arena);
  const dying = killClients(crew, over, new RandomStream(seed, 'times of death'));
  await Promise.race([breaking, dying]);
  injector.stop();
  await Promise.all([breaking, dying]);
  await crew.rest();
  const faults = crew.faults();
  for (const workload of workloads) {
    const found = await workload.judge(judge, PATIENCE_MS);
    faults.push(...found.map((fault) => `${workload.name}: ${fault}`));
  }
  await judge.end();
  await crew.end();
  if (faults.length === 0) faults.push(...(await compareTrees(arena.ensemble)));
  history.close();
  faults.push(...(await historyFaults(historyPath)));
  if (faults.length === 0) for (const path of [historyPath, registersPath]) rmSync(path);
  const sum = (of: 'requests' | 'unknown' | 'expiries'): number =>
    crew.clients.reduce((total, client) => total + client[of], 0);
  return {
    requests: sum('requests'),
    unknown: sum('unknown'),
    expiries: sum('expiries'),
    clientKills: crew.kills,
    told: workloads.map((workload) => workload.told()),
    faults: faults.map((fault) => `${name}: ${fault}`),
  };
}

/** What the search and the fast checks of all histories (docs/internals/histories.md) have to say. */
async function historyFaults(path: string): Promise<string[]> {
  const { fault } = await search([path]);
  const fast = await runToEnd([process.execPath, FAST_CHECKS, path]);
  return [...(fault === null ? [] : [fault]), ...(fast.code === 0 ? [] : [`the fast checks: ${fast.output}`])];
}

/**
 * The judges are judged: after a stretch without faults they must have nothing to say, and then see what is planted.
 * @returns one sentence for each that did not
 */
export async function plantedEpisode(arena: Arena): Promise<string[]> {
  const root = '/planted';
  const historyPath = join(arena.folder, 'planted.history.jsonl');
  const history = new HistoryFile(historyPath, 'chaos planted');
  const workloads = workloadsOf(root, join(arena.folder, 'planted.registers.jsonl'));
  const crew = new Crew(arena, history, workloads, PLANTED_PACE_MS, arena.seed);
  const judge = await begin(crew, root, workloads);
  await pause(PLANTED_LASTING_MS);
  await crew.rest();
  const faults = crew.faults();
  for (const workload of workloads) {
    const { name } = workload;
    faults.push(...(await workload.judge(judge, PATIENCE_MS)).map((fault) => `${name}, without any fault: ${fault}`));
    await workload.plant(judge);
    const seen = await workload.judge(judge, PLANTED_PATIENCE_MS);
    if (seen.length === 0) faults.push(`${name}: the judge does not see what is planted`);
  }
  await judge.end();
  await crew.end();
  history.close();
  return faults;
}

function workloadsOf(root: string, registersPath: string): readonly Workload[] {
  return [
    new RegisterWorkload(root, registersPath),
    new SetWorkload(root),
    new CounterWorkload(root),
    new QueueWorkload(root),
    new LockWorkload(root),
    new WatchWorkload(root),
    new AliveWorkload(root),
  ];
}

/** Prepares everything and starts the clients; returns the judge's own. */
async function begin(crew: Crew, root: string, workloads: readonly Workload[]): Promise<ChaosClient> {
  const judge = await crew.judge();
  await ensure(judge, root);
  for (const workload of workloads) await workload.prepare(judge);
  await crew.start();
  return judge;
}

async function killClients(crew: Crew, over: number, random: RandomStream): Promise<void> {
  for (;;) {
    const left = over - performance.now();
    const wait = CLIENT_LIVES_MS / 2 + random.below(CLIENT_LIVES_MS);
    await pause(Math.max(0, Math.min(left, wait)));
    if (performance.now() >= over) return;
    await crew.killOne();
  }
}
