/**
 * A test of the differential test: errors are planted one by one in a copy of the built server, and each must be seen.
 *
 *   node interop/dist/differential/planted.js [--steps N] [--seed S] [--only WORD]
 *
 * Exit code: 0 every error was seen, 1 some were not, 2 an error could not be planted.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { copyOfBuild, plant } from '../peers/build-copy.ts';
import { numberOf, programOptions } from '../peers/program-options.ts';
import type { Difference } from './difference.ts';
import { PLANTED_ERRORS, type PlantedError } from './planted-errors.ts';
import { Run } from './run.ts';
import { type StartedServer, startHeadkeeperFrom, startServer } from './servers.ts';

interface Hunt {
  readonly seen: Difference | null;
  readonly signatures: ReadonlySet<string>;
}

/** Runs until a difference that `known` does not have; without `known` to the end. */
async function hunt(right: StartedServer, known: ReadonlySet<string> | null): Promise<Hunt> {
  const left = await startServer('3.9.5');
  try {
    const signatures = new Set<string>();
    const isNew = (difference: Difference): boolean =>
      known !== null && difference.explained === null && !known.has(difference.signature);
    const run = new Run({
      left: { host: '127.0.0.1', port: left.process.port },
      right: { host: '127.0.0.1', port: right.process.port },
      steps,
      seed,
      context: 0,
      stopAt: isNew,
      onDifference(difference) {
        if (difference.explained === null) signatures.add(difference.signature);
      },
    });
    const result = await run.run();
    return { seen: result.differences.find(isNew) ?? null, signatures };
  } finally {
    await left.end();
  }
}

/** Hunts in a copy of the build with one error in it, or with none. */
async function huntInCopy(error: PlantedError | null, known: ReadonlySet<string> | null): Promise<Hunt> {
  const folder = copyOfBuild();
  try {
    if (error !== null) plant(folder, error);
    const server = await startHeadkeeperFrom(join(folder, 'packages/cli/bin/headkeeper.js'));
    return await hunt(server, known).finally(() => server.end());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const values = programOptions(import.meta.filename, {
  steps: { type: 'string', default: '20000' },
  seed: { type: 'string', default: '1' },
  only: { type: 'string', default: '' },
});
const steps = numberOf('steps', values.steps);
const seed = numberOf('seed', values.seed);

async function main(): Promise<number> {
  const baseline = await huntInCopy(null, null);
  console.log(
    `without a planted error: ${baseline.signatures.size} kinds of unexplained differences in ${steps} steps`,
  );
  const known = baseline.signatures;
  let unseen = 0;
  for (const error of PLANTED_ERRORS) {
    if (!error.name.includes(values.only)) continue;
    const { seen } = await huntInCopy(error, known);
    if (seen === null) unseen++;
    const result =
      seen === null ? `NOT SEEN in ${steps} steps` : `step ${String(seen.step).padStart(6)}  ${seen.signature}`;
    console.log(`${error.name.padEnd(64)} ${result}`);
  }
  return unseen > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error);
  process.exitCode = 2;
}
