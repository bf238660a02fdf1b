/**
 * A server under fire: mutated frames, four-letter words and HTTP requests, while bystanders watch, lock and wait.
 *
 *   node interop/dist/fuzz/main.js [--frames 1000000] [--words 20000] [--requests 20000] [--seed N]
 *   node interop/dist/fuzz/main.js --slice            what CI runs, under a quarter of a minute
 *   node interop/dist/fuzz/main.js --replay FILE      frames that a run has written down, once more
 *
 * Ends with a table. Exit code 1: the server did what it must never do; the table says what, and frames are written down.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { numberOf, programOptions } from '../peers/program-options.ts';
import { seedOfRun } from '../seed.ts';
import { FrameViolation } from './frame-fuzz.ts';
import { FUZZ_SLICE, type FuzzReport, fuzzServer, replay } from './fuzz-run.ts';

const values = programOptions(import.meta.filename, {
  frames: { type: 'string', default: '1000000' },
  words: { type: 'string', default: '20000' },
  requests: { type: 'string', default: '20000' },
  seed: { type: 'string' },
  slice: { type: 'boolean', default: false },
  replay: { type: 'string' },
});

function print({ rows, faults }: FuzzReport): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${value}`);
  for (const fault of faults) console.log(`FAULT: ${fault}`);
  console.log(faults.length === 0 ? 'nothing wrong' : `${faults.length} faults`);
}

const folder = mkdtempSync(join(tmpdir(), 'headkeeper-fuzz-'));
const seed = seedOfRun(values.seed);
try {
  const report =
    values.replay !== undefined
      ? await replay(folder, JSON.parse(readFileSync(values.replay, 'utf8')) as string[])
      : await fuzzServer({
          ...{ folder, seed, progress: (text: string) => console.log(text) },
          ...(values.slice
            ? FUZZ_SLICE
            : {
                frames: numberOf('frames', values.frames),
                words: numberOf('words', values.words),
                requests: numberOf('requests', values.requests),
                slowOnes: numberOf('requests', values.requests) > 0,
              }),
        });
  print(report);
  if (report.faults.length > 0) {
    process.exitCode = 1;
    console.log(`the server's folder is kept: ${folder}`);
  } else rmSync(folder, { recursive: true });
} catch (error) {
  process.exitCode = 1;
  console.error(error);
  if (error instanceof FrameViolation) {
    const file = join(folder, 'frames.json');
    writeFileSync(file, JSON.stringify(error.frames));
    console.log(`what was sent last: --replay ${file}`);
  }
}
process.exit();
