import { writeFileSync } from 'node:fs';
import { durationMs, freshSeed } from '../arguments.ts';
import { ExitCode, type FailureClass } from '../check/violation.ts';
import { historyText } from '../histories/history-file.ts';
import { addRecipeCounts, noRecipeCounts, type RecipeCounts } from './recipe-counts.ts';
import { type RecipeRunOptions, type RecipeRunResult, runRecipes } from './recipe-run.ts';
import { WORKLOADS } from './workloads/all.ts';

/** The command line of `--recipes`; docs/internals/simulation.md explains it. */
interface Arguments {
  seed: number | null;
  storms: number;
  /** Milliseconds of real time, or hours of virtual time, to spend on fresh seeds; 0: one seed only. */
  forMs: number;
  hours: number;
  repeat: boolean;
  trace: boolean;
  workload: string | null;
  voters: number | null;
  /** Where the history of who held what is written to, or null. */
  history: string | null;
}

export const RECIPE_USAGE: string = `       npm run sim -- --recipes [--seed N] [--storms N] [--workload ${WORKLOADS.join('|')}] [--voters N]
                   [--trace] [--repeat] [--history FILE] [--for 4m | --hours H]`;

/** What fresh seeds must have met for each simulated hour, or the run proves too little. */
const MINIMA_PER_HOUR: Partial<RecipeCounts> = {
  runs: 5,
  steps: 2000,
  answers: 10_000,
  grants: 200,
  handOvers: 100,
  sessionsExpired: 10,
  reconnects: 100,
  clientPauses: 5,
  clientKills: 3,
  elections: 20,
};
/** Below this, in hours of virtual time, nothing can be asked for. */
const LEAST_HOURS = 0.3;

export async function recipeMain(argv: readonly string[]): Promise<number> {
  const args = parse(argv);
  if (args === null) {
    process.stderr.write(`usage:\n${RECIPE_USAGE}\n`);
    return 64;
  }
  return args.forMs > 0 || args.hours > 0 ? freshSeeds(args) : oneSeed(args, args.seed ?? freshSeed());
}

async function oneSeed(args: Arguments, seed: number): Promise<number> {
  const tell = args.trace ? (line: string): void => void process.stderr.write(`${line}\n`) : undefined;
  const began = performance.now();
  const result = await runRecipes(optionsOf(args, seed, tell));
  report(result, performance.now() - began);
  if (args.history !== null) writeFileSync(args.history, historyText(result.history));
  if (result.failure !== null) return ExitCode[result.failure.failureClass];
  return args.repeat ? compareAgain(args, result) : 0;
}

/** Runs the seed once more in the same process: the trace must be the same. */
async function compareAgain(args: Arguments, first: RecipeRunResult): Promise<number> {
  const second = await runRecipes(optionsOf(args, first.seed));
  if (second.hash === first.hash) return 0;
  return failed('non-determinism', first.seed, `trace hashes ${first.hash} and ${second.hash} differ`);
}

async function freshSeeds(args: Arguments): Promise<number> {
  const sum = noRecipeCounts();
  const began = performance.now();
  const first = args.seed ?? freshSeed();
  const isOver = (): boolean =>
    args.hours > 0 ? sum.simulatedMicros >= args.hours * 3600e6 : performance.now() - began >= args.forMs;
  while (!isOver()) {
    const result = await runRecipes(optionsOf(args, (first + sum.runs) | 0));
    addRecipeCounts(sum, result.counts);
    if (result.failure !== null) {
      report(result, performance.now() - began);
      return ExitCode[result.failure.failureClass];
    }
    if (args.repeat && sum.runs % 20 === 1) {
      const code = await compareAgain(args, result);
      if (code !== 0) return code;
    }
    if (sum.runs % 500 === 0) process.stdout.write(`${summary(sum, performance.now() - began)}\n`);
  }
  const last = first + sum.runs - 1;
  process.stdout.write(`seeds ${first} to ${last}\n${summary(sum, performance.now() - began)}\n`);
  return args.workload === null ? checkMinima(sum) : 0;
}

function checkMinima(sum: RecipeCounts): number {
  const hours = sum.simulatedMicros / 3600e6;
  if (hours < LEAST_HOURS) return 0;
  for (const [key, perHour] of Object.entries(MINIMA_PER_HOUR) as [keyof RecipeCounts, number][]) {
    const least = Math.floor(perHour * hours);
    if (sum[key] >= least) continue;
    process.stdout.write(`too few ${key}: ${sum[key]}, expected ${least}\n`);
    return ExitCode.coverage;
  }
  return 0;
}

function report({ seed, plan, voters, counts, hash, failure }: RecipeRunResult, tookMs: number): void {
  const { clients, workloads } = plan;
  process.stdout.write(`seed ${seed}: ${voters} voters, ${clients} clients, ${workloads.join(', ')}\n`);
  process.stdout.write(`${summary(counts, tookMs)}\ntrace hash ${hash}\n`);
  if (failure !== null) failed(failure.failureClass, seed, failure.message);
}

function failed(failureClass: FailureClass, seed: number, message: string): number {
  process.stdout.write(`FAILED (${failureClass}), seed ${seed}: ${message}\n`);
  return ExitCode[failureClass];
}

function summary(counts: RecipeCounts, tookMs: number): string {
  const hours = counts.simulatedMicros / 3600e6;
  const { user, system } = process.cpuUsage();
  const cpu = counts.simulatedMicros / (user + system);
  const rest = Object.entries(counts)
    .filter(([key]) => key !== 'simulatedMicros')
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
  const ratio = counts.simulatedMicros / 1000 / tookMs;
  return `${hours.toFixed(2)} simulated hours in ${(tookMs / 1000).toFixed(1)} s, ratio ${ratio.toFixed(0)} (${cpu.toFixed(0)} of processor time)\n${rest}`;
}

function optionsOf(args: Arguments, seed: number, tell?: (line: string) => void): RecipeRunOptions {
  return {
    seed,
    storms: args.storms,
    ...(tell === undefined ? {} : { tell }),
    ...(args.workload === null ? {} : { workload: args.workload }),
    ...(args.voters === null ? {} : { voters: args.voters }),
  };
}

function parse(argv: readonly string[]): Arguments | null {
  const args: Arguments = {
    seed: null,
    storms: 3,
    forMs: 0,
    hours: 0,
    repeat: false,
    trace: false,
    workload: null,
    voters: null,
    history: null,
  };
  for (let i = 0; i < argv.length; i++) {
    const value = argv[i + 1] ?? '';
    switch (argv[i]) {
      case '--recipes':
        continue;
      case '--seed':
        args.seed = Number(value);
        break;
      case '--storms':
        args.storms = Number(value);
        break;
      case '--for':
        args.forMs = durationMs(value);
        break;
      case '--hours':
        args.hours = Number(value);
        break;
      case '--workload':
        if (!WORKLOADS.includes(value)) return null;
        args.workload = value;
        break;
      case '--voters':
        args.voters = Number(value);
        break;
      case '--history':
        args.history = value;
        break;
      case '--repeat':
        args.repeat = true;
        continue;
      case '--trace':
        args.trace = true;
        continue;
      default:
        return null;
    }
    i++;
  }
  return [args.seed ?? 0, args.storms, args.forMs, args.hours, args.voters ?? 1].every(Number.isFinite) ? args : null;
}
