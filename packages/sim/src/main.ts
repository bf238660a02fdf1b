import { writeFileSync } from 'node:fs';
import { durationMs, freshSeed, wrongIn } from './arguments.ts';
import { ExitCode, type FailureClass } from './check/violation.ts';
import { addCounts, type Counts, noCounts } from './counts.ts';
import { DISK_MATRIX_USAGE, diskMatrix } from './disk-matrix/command.ts';
import { FIGURES_USAGE, figures } from './figures/figures.ts';
import { historyText } from './histories/history-file.ts';
import { PHASES, type Phase } from './matrix/phase.ts';
import { INJECTED_FAULTS } from './plan/fault-injector.ts';
import { PROFILES, type Profile } from './plan/swarm.ts';
import { RECIPE_USAGE, recipeMain } from './recipes/recipe-main.ts';
import { type RunOptions, type RunResult, runSeed } from './run.ts';
import type { Cuts } from './shrink/cuts.ts';
import { shrink } from './shrink/shrinker.ts';
import { tell } from './shrink/story.ts';
import { rangeOf, sweep } from './sweep.ts';

/** Command line of the simulator; docs/internals/simulation.md explains it. */
interface Arguments {
  seed: number | null;
  minutes: number;
  /** Milliseconds of real time to spend on fresh seeds; 0: one seed only. */
  forMs: number;
  /** So many fresh seeds have to be run in that time. */
  least: number;
  /** A range of seeds that are all to be run, or null. */
  sweep: { readonly first: number; readonly last: number } | null;
  /** Seeds of a range that are run at the same time. */
  jobs: number;
  repeat: boolean;
  trace: boolean;
  profile: Profile | null;
  voters: number | null;
  observers: number | null;
  rate: number | null;
  /** The phase in which servers are struck, or null. */
  aim: Phase | null;
  /** With what, or null. */
  strike: string | null;
  reconfigure: boolean;
  restore: boolean;
  disk: boolean;
  /** Whether a failing seed is reduced to what the failure needs. */
  shrink: boolean;
  cuts: Cuts;
  objects: boolean;
  /** Where the history of the clients is written to, or null. */
  history: string | null;
}

const USAGE = `usage: npm run sim -- [--seed N] [--minutes M] [--profile ${PROFILES.join('|')}] [--voters N] [--observers N] [--rate N] [--aim PHASE [--strike FAULT]]
                   [--reconfigure] [--restore] [--disk] [--trace] [--repeat] [--for 4m [--least RUNS]] [--shrink] [--cuts JSON] [--objects] [--history FILE]
                   [--sweep FROM:TO [--jobs N]]`;

const MATRICES_USAGE = '       npm run sim -- --matrices, both tables: faults by phase, and disks';

const ALL_USAGE = `${USAGE}\n${FIGURES_USAGE}\n${DISK_MATRIX_USAGE}\n${MATRICES_USAGE}\n${RECIPE_USAGE}\n`;

const MATRIX_OPTIONS = {
  '--figures': '',
  '--disk-matrix': '',
  '--matrices': '',
  '--cpu': 'number',
  '--first': 'number',
  '--quick': '',
  '--cell': 'word',
  '--slice': 'word',
  '--trace': '',
} as const;

/** So much real time is spent on reducing a failure. */
const SHRINK_MS = 180_000;

/** What fresh seeds must have met for each minute of the processor's time, or the run proves too little. */
const MINIMA_PER_MINUTE: Partial<Counts> = {
  runs: 50,
  writes: 10_000,
  elections: 150,
  diffs: 400,
  truncs: 5,
  snaps: 40,
  unsyncedCrashes: 50,
};

/** The same of runs with disks that lose, decay and lie: servers are down for longer. */
const MINIMA_OF_DISKS: Partial<Counts> = {
  runs: 15,
  writes: 2000,
  elections: 100,
  snaps: 40,
  diskErrors: 30,
  damages: 200,
  mendings: 50,
};

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    process.stdout.write(ALL_USAGE);
    return 0;
  }
  if (argv.includes('--recipes')) return recipeMain(argv);
  if (['--figures', '--disk-matrix', '--matrices'].some((name) => argv.includes(name))) return matrices(argv);
  const args = parse(argv);
  if (args === null) {
    process.stderr.write(ALL_USAGE);
    return 64;
  }
  if (args.sweep !== null) {
    const { forMs, jobs } = args;
    return sweep({ ...args.sweep, jobs, forMs, options: optionsOf(args, 0) }, (line) =>
      process.stdout.write(`${line}\n`),
    );
  }
  return args.forMs > 0 ? freshSeeds(args) : oneSeed(args, args.seed ?? freshSeed());
}

function matrices(argv: readonly string[]): number {
  const wrong = wrongIn(argv, MATRIX_OPTIONS);
  if (wrong !== null) {
    process.stderr.write(`${wrong}\n${ALL_USAGE}`);
    return 64;
  }
  if (argv.includes('--figures')) return figures(argv);
  return argv.includes('--disk-matrix') ? diskMatrix(argv) : Math.max(figures(argv), diskMatrix(argv));
}

function oneSeed(args: Arguments, seed: number): number {
  const print = args.trace ? (line: string): void => void process.stderr.write(`${line}\n`) : undefined;
  const began = performance.now();
  const result = runSeed(optionsOf(args, seed, print));
  const took = performance.now() - began;
  report(result, took);
  if (args.history !== null) writeFileSync(args.history, historyText(result.history));
  if (result.failure !== null) return failedWith(args, result);
  return args.repeat ? compareAgain(args, result) : 0;
}

function failedWith(args: Arguments, result: RunResult): number {
  const { failure, seed } = result;
  if (failure === null) return 0;
  if (args.shrink) {
    const options = optionsOf(args, seed);
    const ends = performance.now() + SHRINK_MS;
    const shrunk = shrink(options, result, runSeed, () => performance.now() < ends);
    process.stdout.write(`${tell(shrunk, options)}\n`);
  }
  return ExitCode[failure.failureClass];
}

/** Runs the seed once more in the same process: the trace must be the same. */
function compareAgain(args: Arguments, first: RunResult): number {
  const second = runSeed(optionsOf(args, first.seed));
  if (second.hash === first.hash) return 0;
  return failed('non-determinism', first.seed, `trace hashes ${first.hash} and ${second.hash} differ`);
}

function freshSeeds(args: Arguments): number {
  const sum = noCounts();
  const began = performance.now();
  const first = args.seed ?? freshSeed();
  let runs = 0;
  while (performance.now() - began < args.forMs) {
    const result = runSeed(optionsOf(args, (first + runs) | 0));
    addCounts(sum, result.counts);
    if (result.failure !== null) {
      report(result, performance.now() - began);
      return failedWith(args, result);
    }
    if (args.repeat && runs % 20 === 0) {
      const code = compareAgain(args, result);
      if (code !== 0) return code;
    }
    runs++;
  }
  const tookMs = performance.now() - began;
  process.stdout.write(`seeds ${first} to ${first + runs - 1}\n${summary(sum, tookMs)}\n`);
  if (runs < args.least) {
    process.stdout.write(`too few runs: ${runs}, expected ${args.least}\n`);
    return ExitCode.coverage;
  }
  return checkMinima(sum, args.disk ? MINIMA_OF_DISKS : MINIMA_PER_MINUTE);
}

/** The machine may be shared, so that real time says little. */
function checkMinima(sum: Counts, minima: Partial<Counts>): number {
  const { user, system } = process.cpuUsage();
  for (const [key, perMinute] of Object.entries(minima) as [keyof Counts, number][]) {
    const least = Math.floor((perMinute * (user + system)) / 60e6);
    if (sum[key] >= least) continue;
    process.stdout.write(`too few ${key}: ${sum[key]}, expected ${least}\n`);
    return ExitCode.coverage;
  }
  return 0;
}

function report(result: RunResult, tookMs: number): void {
  const { seed, plan, counts, hash, failure } = result;
  const { voters, observers, clients, profile } = plan;
  process.stdout.write(`seed ${seed}: ${profile}, ${voters} voters, ${observers} observers, ${clients} clients\n`);
  process.stdout.write(`${summary(counts, tookMs)}\ntrace hash ${hash}\n`);
  if (failure !== null) failed(failure.failureClass, seed, failure.message);
}

function failed(failureClass: FailureClass, seed: number, message: string): number {
  process.stdout.write(`FAILED (${failureClass}), seed ${seed}: ${message}\n`);
  return ExitCode[failureClass];
}

/** `tookMs` of real time; the ratio is to the processor's time too, as other programs may want the machine. */
function summary(counts: Counts, tookMs: number): string {
  const minutes = counts.simulatedMicros / 60e6;
  const ratio = counts.simulatedMicros / 1000 / tookMs;
  const { user, system } = process.cpuUsage();
  const cpu = counts.simulatedMicros / (user + system);
  const rest = Object.entries(counts)
    .filter(([key]) => key !== 'simulatedMicros')
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
  return `${minutes.toFixed(1)} simulated minutes in ${(tookMs / 1000).toFixed(1)} s, ratio ${ratio.toFixed(0)} (${cpu.toFixed(0)} of processor time)\n${rest}`;
}

function optionsOf(args: Arguments, seed: number, tell?: (line: string) => void): RunOptions {
  return {
    seed,
    minutes: args.minutes,
    cuts: args.cuts,
    ...(tell === undefined ? {} : { tell }),
    ...(args.profile === null ? {} : { profile: args.profile }),
    ...(args.voters === null ? {} : { voters: args.voters }),
    ...(args.observers === null ? {} : { observers: args.observers }),
    ...(args.rate === null ? {} : { rate: args.rate }),
    ...(args.aim === null ? {} : { aim: args.aim }),
    ...(args.strike === null ? {} : { strike: args.strike }),
    ...(args.reconfigure ? { reconfigure: true } : {}),
    ...(args.restore ? { restore: true } : {}),
    ...(args.disk ? { disk: true } : {}),
    ...(args.objects ? { objects: 'every kind' as const } : {}),
  };
}

function parse(argv: readonly string[]): Arguments | null {
  const args: Arguments = {
    seed: null,
    minutes: 2,
    forMs: 0,
    least: 0,
    sweep: null,
    jobs: 1,
    repeat: false,
    trace: false,
    profile: null,
    voters: null,
    observers: null,
    rate: null,
    aim: null,
    strike: null,
    reconfigure: false,
    restore: false,
    disk: false,
    shrink: false,
    cuts: {},
    objects: false,
    history: null,
  };
  for (let i = 0; i < argv.length; i++) {
    const value = argv[i + 1] ?? '';
    switch (argv[i]) {
      case '--seed':
        args.seed = Number(value);
        break;
      case '--minutes':
        args.minutes = Number(value);
        break;
      case '--for':
        args.forMs = durationMs(value);
        break;
      case '--least':
        args.least = Number(value);
        break;
      case '--sweep':
        args.sweep = rangeOf(value);
        if (args.sweep === null) return null;
        break;
      case '--jobs':
        args.jobs = Number(value);
        break;
      case '--profile':
        if (!(PROFILES as readonly string[]).includes(value)) return null;
        args.profile = value as Profile;
        break;
      case '--voters':
        args.voters = Number(value);
        break;
      case '--observers':
        args.observers = Number(value);
        break;
      case '--rate':
        args.rate = Number(value);
        break;
      case '--aim':
        if (!(PHASES as readonly string[]).includes(value)) return null;
        args.aim = value as Phase;
        break;
      case '--strike':
        if (!INJECTED_FAULTS.includes(value)) return null;
        args.strike = value;
        break;
      case '--history':
        args.history = value;
        break;
      case '--repeat':
        args.repeat = true;
        continue;
      case '--reconfigure':
        args.reconfigure = true;
        continue;
      case '--restore':
        args.restore = true;
        continue;
      case '--disk':
        args.disk = true;
        continue;
      case '--shrink':
        args.shrink = true;
        continue;
      case '--cuts':
        try {
          args.cuts = JSON.parse(value) as Cuts;
        } catch {
          return null;
        }
        break;
      case '--objects':
        args.objects = true;
        continue;
      case '--trace':
        args.trace = true;
        continue;
      default:
        return null;
    }
    i++;
  }
  const numbers = [
    args.seed ?? 0,
    args.minutes,
    args.forMs,
    args.least,
    args.jobs,
    args.voters ?? 1,
    args.observers ?? 0,
    args.rate ?? 1,
  ];
  return numbers.every(Number.isFinite) ? args : null;
}

process.exitCode = await main(process.argv.slice(2));
