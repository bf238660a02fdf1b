/**
 * One hunt, inside a copy of the packages into which a bug has been put: seed after seed until a law is broken or the
 * processor's time is used up. `main.ts` starts it and reads the line that it prints.
 */
import { numberIn, optionIn } from '../arguments.ts';
import type { Violation } from '../check/violation.ts';
import type { Profile } from '../plan/swarm.ts';
import { runRecipes } from '../recipes/recipe-run.ts';
import { runSeed } from '../run.ts';

/** What a hunt has come to. */
export interface Catch {
  /** Seeds that were run, the one that found it included. */
  readonly seeds: number;
  /** Of the processor's time, from the start of the process on. */
  readonly seconds: number;
  /** Null when nothing was found. */
  readonly law: string | null;
  readonly message: string;
}

/** Virtual minutes under faults, and storms of a run with recipes. */
const MINUTES = 2;
const STORMS = 3;

async function hunt(argv: readonly string[]): Promise<Catch> {
  const first = numberIn(argv, '--first', 1);
  const limit = numberIn(argv, '--cpu', 60);
  const profile = optionIn(argv, '--profile');
  const workload = optionIn(argv, '--workload');
  const run = async (seed: number): Promise<Violation | null> => {
    if (argv.includes('--recipes')) {
      return (await runRecipes({ seed, storms: STORMS, ...(workload === null ? {} : { workload }) })).failure;
    }
    const wishes = profile === null ? {} : { profile: profile as Profile };
    const [reconfigure, disk] = [argv.includes('--reconfigure'), argv.includes('--disk')];
    return runSeed({ seed, minutes: MINUTES, reconfigure, disk, ...wishes }).failure;
  };
  for (let seeds = 1; ; seeds++) {
    const failure = await run(first + seeds - 1);
    const seconds = usedSeconds();
    if (failure !== null) return { seeds, seconds, law: failure.law, message: failure.message.slice(0, 400) };
    if (seconds >= limit || argv.includes('--one')) return { seeds, seconds, law: null, message: '' };
  }
}

function usedSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

process.stdout.write(`${JSON.stringify(await hunt(process.argv.slice(2)))}\n`);
