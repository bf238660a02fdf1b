/**
 * The real process, ended in every way, under load:
 *
 *   node interop/dist/crash/main.js [--times 100] [--seed N]
 *
 * Kills the server that often (5 times when not said), and compares after each restart: every acknowledged write is there,
 * nothing is there that nobody asked for, zxids do not go back, sessions are taken up again with their passwords, their
 * ephemerals are there and those of closed sessions are not. Then: a second process on the same directory, SIGTERM under
 * load, files that may not grow, a full disk. Ends with "N passed, N failed"; exit code 1 when something failed.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RandomStream } from '@headkeeper/testkit';
import { numberOf, programOptions } from '../peers/program-options.ts';
import { seedOfRun } from '../seed.ts';
import { canMount, fileTooLarge, fullDisk, secondProcess, stopUnderLoad } from './endings.ts';
import { killRepeatedly } from './killings.ts';

const values = programOptions(import.meta.filename, {
  times: { type: 'string', default: '5' },
  seed: { type: 'string' },
});
const times = Math.round(numberOf('times', values.times, 1));
const seed = seedOfRun(values.seed);
const work = mkdtempSync(join(tmpdir(), 'headkeeper-crash-'));
let passed = 0;
let failed = 0;

function count(title: string, faults: readonly string[]): void {
  if (faults.length === 0) passed++;
  else failed++;
  console.log(`${faults.length === 0 ? 'ok' : 'FAIL'} ${title}`);
  for (const fault of faults.slice(0, 20)) console.log(`    ${fault}`);
}

/** A part that throws counts as one failure; the parts after it still run. */
async function part(title: string, body: () => Promise<readonly string[]>): Promise<void> {
  count(title, await body().catch((error: unknown) => [String(error instanceof Error ? error.stack : error)]));
}

const random = (name: string): RandomStream => new RandomStream(seed, name);
const begun = performance.now();
await part('every killing was followed by a start', async () => {
  const { rounds, acknowledged, killedStarts } = await killRepeatedly(
    join(work, 'killed'),
    times,
    random('killings'),
    (round, faults) => {
      count(`kill -9 number ${round}`, faults);
    },
  );
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  console.log(`   ${acknowledged} writes acknowledged, ${killedStarts} starts killed half way, ${seconds} s`);
  return rounds.length === times ? [] : [`${rounds.length} of ${times} killings`];
});
await part('a second process on the directory is refused', () => secondProcess(join(work, 'second')));
await part('SIGTERM under load', () => stopUnderLoad(join(work, 'stopped'), 3, random('stops')));
await part('files that may not grow', () => fileTooLarge(join(work, 'limited')));
if (canMount(join(work, 'disk'))) await part('a full disk', () => fullDisk(join(work, 'disk')));
else console.log('   no file system can be mounted here, so none was filled; the limit on files stands for it');

if (failed === 0) rmSync(work, { recursive: true, force: true });
else console.log(`the servers' folders are kept: ${work}`);
console.log(`${passed} passed, ${failed} failed`);
// At once: a server that a failed part has left behind must not keep this process alive; it is killed at its exit.
process.exit(failed === 0 ? 0 : 1);
