import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ExitCode, type FailureClass } from './check/violation.ts';
import { addCounts, type Counts, noCounts } from './counts.ts';
import { type RunOptions, runSeed } from './run.ts';

/** Which seeds to run, and how. */
export interface Sweep {
  readonly first: number;
  /** The last seed; it is run, too. */
  readonly last: number;
  /** Seeds that are run at the same time, each on a thread of its own. */
  readonly jobs: number;
  /** Milliseconds of real time after which no seed is begun any more; 0: none. */
  readonly forMs: number;
  /** What all seeds are run with; the seed in it counts for nothing. */
  readonly options: Omit<RunOptions, 'tell'>;
}

/** What a thread says of a seed that it has run. */
interface Outcome {
  readonly seed: number;
  readonly counts: Counts;
  readonly failure: { readonly failureClass: FailureClass; readonly law: string; readonly message: string } | null;
}

/** Real time between two lines that say how far it is. */
const PROGRESS_MS = 60_000;

/** `1:20000`, both included; null for anything else. */
export function rangeOf(text: string): { readonly first: number; readonly last: number } | null {
  const match = /^(\d+):(\d+)$/.exec(text);
  if (match === null) return null;
  const [first, last] = [Number(match[1]), Number(match[2])];
  return first <= last ? { first, last } : null;
}

/** Runs a range of seeds to its end, whatever fails on the way; each failure is told, and in the end all is added up. Returns the exit code. */
export async function sweep(wanted: Sweep, print: (line: string) => void): Promise<number> {
  const began = performance.now();
  const sum = noCounts();
  const failures: Outcome[] = [];
  let next = wanted.first;
  const progress = (): string => {
    const hours = sum.simulatedMicros / 3_600_000_000;
    const took = Math.round((performance.now() - began) / 1000);
    return `${sum.runs} seeds of ${wanted.last - wanted.first + 1} in ${took} s, ${hours.toFixed(1)} simulated hours, ${failures.length} failed`;
  };
  const timer = setInterval(() => print(progress()), PROGRESS_MS);
  const seedToRun = (): number | null => {
    const isOver = wanted.forMs > 0 && performance.now() - began >= wanted.forMs;
    return isOver || next > wanted.last ? null : next++;
  };
  const heard = (outcome: Outcome): void => {
    addCounts(sum, outcome.counts);
    const { seed, failure } = outcome;
    if (failure === null) return;
    failures.push(outcome);
    print(`FAILED (${failure.failureClass}), seed ${seed}: ${failure.message}`);
  };
  try {
    await Promise.all(Array.from({ length: wanted.jobs }, () => onThread(wanted, seedToRun, heard)));
  } finally {
    clearInterval(timer);
  }
  print(`seeds ${wanted.first} to ${next - 1}: ${progress()}`);
  for (const [key, value] of Object.entries(sum)) if (key !== 'simulatedMicros') print(`  ${key} ${value}`);
  const byLaw = new Map<string, number[]>();
  for (const { seed, failure } of failures) {
    const known = byLaw.get(failure?.law ?? '') ?? [];
    byLaw.set(failure?.law ?? '', [...known, seed]);
  }
  for (const [law, seeds] of byLaw)
    print(`broken: ${law}, ${seeds.length} times: seeds ${seeds.slice(0, 20).join(' ')}`);
  const [worst] = failures;
  return worst?.failure == null ? 0 : ExitCode[worst.failure.failureClass];
}

function onThread(
  { options }: Sweep,
  seedToRun: () => number | null,
  heard: (outcome: Outcome) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: options });
    const give = (): void => {
      const seed = seedToRun();
      if (seed === null) void worker.terminate();
      else worker.postMessage(seed);
    };
    worker.on('message', (outcome: Outcome) => {
      heard(outcome);
      give();
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve());
    give();
  });
}

/** A thread: runs each seed that it is given. */
function work(): void {
  const port = parentPort;
  port?.on('message', (seed: number) => {
    const { counts, failure } = runSeed({ ...(workerData as Sweep['options']), seed });
    const told =
      failure === null ? null : { failureClass: failure.failureClass, law: failure.law, message: failure.message };
    port.postMessage({ seed, counts, failure: told } satisfies Outcome);
  });
}

if (!isMainThread) work();
