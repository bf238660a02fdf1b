import { wrongUse } from './peers/program-options.ts';

/** What the choices of a run with real processes are drawn from: with the same seed a run has the same plan, if not the same course. */

const BELOW = 1_000_000_000;

/**
 * The seed of a run, which is printed now and again when the process ends with an error.
 * @param text What stands behind `--seed`; undefined: a fresh one.
 */
export function seedOfRun(text: string | undefined): number {
  const seed = text === undefined ? Math.floor(Math.random() * BELOW) : Number(text);
  if (!Number.isSafeInteger(seed)) wrongUse(`--seed wants a whole number, not ${text}`);
  console.log(`--seed ${seed}`);
  process.once('exit', (code) => {
    if (code !== 0) console.log(`the same plan again: --seed ${seed}`);
  });
  return seed;
}
