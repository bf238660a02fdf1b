/**
 * Two processes pass one lock back and forth, as fast as they can: how long from the moment one has it until the other has it,
 * with @headkeeper/recipes and with Curator, by turns, on one Headkeeper server.
 *
 *   node bench/dist/recipes/hand-over.js                about a minute
 *   node bench/dist/recipes/hand-over.js --passes 2000  by each process in each of the ten blocks; 300 unless given
 *
 * Exit code 1 when ours is the slower one.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Crew } from '#contention/crew';
import { installWorkers, type Worker } from '#contention/worker';
import { startHeadkeeper } from '#peers/headkeeper';
import { repositoryRoot } from '#peers/peer-cache';
import { numberOf, programOptions } from '#peers/program-options';

const values = programOptions(import.meta.filename, { passes: { type: 'string', default: '300' } });
const passes = Math.round(numberOf('passes', values.passes, 1));

const BLOCKS = 5;
const SESSION_TIMEOUT_MS = 20_000;

await installWorkers();
const folder = mkdtempSync(join(repositoryRoot, 'bench/dist/hand-over-'));
const server = await startHeadkeeper({ dataDir: join(folder, 'data') });
try {
  const crew = await Crew.start(server.address, SESSION_TIMEOUT_MS, ['typescript', 'typescript', 'java', 'java']);
  const pairs = { ours: crew.workers.slice(0, 2), curator: crew.workers.slice(2) };
  const times: Record<keyof typeof pairs, number[]> = { ours: [], curator: [] };
  // The first block of each warms up both programs and the server.
  for (let block = 0; block <= BLOCKS; block++) {
    for (const side of ['ours', 'curator'] as const) {
      const handOvers = await passBetween(crew, pairs[side]);
      if (block > 0) times[side].push(...handOvers);
    }
  }
  await crew.end();
  const [ours, curator] = [report('@headkeeper/recipes', times.ours), report('Curator 5.7.1', times.curator)];
  console.log(`ratio of the medians, ours by Curator's: ${(ours / curator).toFixed(2)}`);
  if (ours > curator) process.exitCode = 1;
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Milliseconds of each hand-over from one of the two to the other. */
async function passBetween(crew: Crew, pair: readonly Worker[]): Promise<number[]> {
  const path = `/hand-over-${crew.client.uniqueId()}`;
  const said = await Promise.all(
    pair.map((worker) => {
      const from = worker.said.length;
      worker.send(`pass ${path} ${passes}`);
      return worker.hears('passed', from);
    }),
  );
  const holds = said.flatMap(({ worker, words }) => words.map((at) => ({ worker, at: BigInt(at) })));
  holds.sort((a, b) => Number(a.at - b.at));
  return holds.flatMap(({ worker, at }, i) => {
    const next = holds[i + 1];
    return next === undefined || next.worker === worker ? [] : [Number(next.at - at) / 1e6];
  });
}

/** Prints one line and returns the median. */
function report(name: string, times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
  const [median, late, best] = [at(0.5), at(0.9), at(0.1)].map((ms) => ms.toFixed(2));
  console.log(`${name}: median ${median} ms, 10 % under ${best} ms, 10 % over ${late} ms, ${sorted.length} hand-overs`);
  return at(0.5);
}
