/**
 * Episodes on real processes for as long as is asked for, on ensembles of three, four and five by turns. Each size has a turn, also
 * in a short time: until all have had one, the time that is left is shared among those that wait.
 */

import { deriveSeed } from '@headkeeper/testkit';
import { Arena } from './arena.ts';
import { installClients } from './client-process.ts';
import { episode, plantedEpisode } from './episode.ts';
import { FaultInjector } from './fault-injector.ts';
import { type DamageCounts, faultsOf } from './faults.ts';

export interface ChaosOptions {
  readonly forMs: number;
  /** Sizes of the ensembles, by turns. */
  readonly servers: readonly number[];
  /** Mean pause between two rounds of one client in one workload, in milliseconds. */
  readonly paceMs: number;
  /** Of all that is drawn. What each part draws is independent of how long the others take. */
  readonly seed: number;
}

export interface ChaosResult {
  /** Names and values, for a table. */
  readonly rows: readonly (readonly [name: string, value: string])[];
  /** One sentence each. */
  readonly faults: readonly string[];
}

const EPISODE_MS = 45_000;
/** At most so many episodes until the ensemble is replaced by another. */
const EPISODES_EACH = 6;
const LEAST_EPISODE_MS = 8_000;

export async function chaosRun(options: ChaosOptions, told: (line: string) => void): Promise<ChaosResult> {
  await installClients();
  const counts = new Map<string, number>();
  const damages: DamageCounts = { recovered: 0, stopped: 0 };
  const sums = { episodes: 0, requests: 0, unknown: 0, clientKills: 0, expiries: 0 };
  const faults: string[] = [];
  const sizes = options.servers;
  // Of the time that is asked for, and not of what is left: so the plan of a seed does not depend on how long things take.
  const shareMs = options.forMs / sizes.length;
  const episodesEach = Math.max(1, Math.min(EPISODES_EACH, Math.floor(shareMs / EPISODE_MS)));
  const ofSize = new Map(sizes.map((size) => [size, 0]));
  const begun = performance.now();
  const left = (): number => options.forMs - (performance.now() - begun);
  for (let turn = 0; faults.length === 0 && (turn < sizes.length || left() > LEAST_EPISODE_MS); turn++) {
    const size = sizes[turn % sizes.length] as number;
    const othersMs = left() * (1 - 1 / Math.max(1, sizes.length - turn));
    const leftOfTurn = (): number => left() - othersMs;
    const seed = deriveSeed(options.seed, `arena ${turn}`);
    const injector = new FaultInjector(faultsOf(damages), counts, seed, (line) => told(`   ${line}`));
    const arena = await Arena.start(size, seed);
    try {
      if (turn === 0) {
        const unseen = await plantedEpisode(arena);
        told(`the judges see what is planted: ${unseen.length === 0 ? 'all of them' : 'no'}`);
        faults.push(...unseen);
      }
      for (let number = 0; number < episodesEach; number++) {
        if ((number > 0 && leftOfTurn() < LEAST_EPISODE_MS) || faults.length > 0) break;
        const lastingMs = Math.max(LEAST_EPISODE_MS, Math.min(EPISODE_MS, leftOfTurn()));
        ofSize.set(size, (ofSize.get(size) ?? 0) + 1);
        const name = `episode-${++sums.episodes}`;
        const result = await episode(arena, injector, name, lastingMs, options.paceMs);
        for (const key of ['requests', 'unknown', 'clientKills', 'expiries'] as const) sums[key] += result[key];
        faults.push(...result.faults);
        const seconds = ((performance.now() - begun) / 1000).toFixed(0);
        told(`${name}, ${size} servers, at ${seconds} s: ${result.requests} requests, ${result.faults.length} faults`);
        told(`   ${result.told.join('; ')}`);
      }
    } catch (error) {
      faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    await arena.end(faults.length === 0);
    if (faults.length > 0) faults.push(`histories, logs and the servers' folders are kept: ${arena.folder}`);
  }
  const seconds = (performance.now() - begun) / 1000;
  return {
    rows: [
      ['time', `${seconds.toFixed(0)} s, ${sums.episodes} episodes`],
      ...[...ofSize].map(([size, count]) => [`episodes on ${size} servers`, String(count)] as const),
      ['requests', `${sums.requests}, ${(sums.requests / seconds).toFixed(0)} a second, ${sums.unknown} in doubt`],
      ['clients killed', String(sums.clientKills)],
      ['sessions that expired', String(sums.expiries)],
      ['damaged files', `${damages.recovered} times recovered, ${damages.stopped} times stopped with a reason`],
      ...[...counts].sort().map(([name, count]) => [`server ${name}`, String(count)] as const),
      ['anomalies and crashes', String(faults.length)],
    ],
    faults,
  };
}
