import { numberIn } from '../arguments.ts';
import { addCounts, type Counts, noCounts } from '../counts.ts';
import { type Cell, FaultMatrix, summarize } from '../matrix/fault-matrix.ts';
import { PASSING_PHASES, type Phase } from '../matrix/phase.ts';
import { DISK_FAULTS } from '../plan/disk-faults.ts';
import { INJECTED_FAULTS } from '../plan/fault-injector.ts';
import { type PlanWishes, PROFILES } from '../plan/swarm.ts';
import { runSeed } from '../run.ts';

export const FIGURES_USAGE: string =
  '       npm run sim -- --figures [--cpu SECONDS of each part, 25 if not said] [--first SEED] [--quick, the speeds alone]';

/** Virtual minutes under faults of each run. */
const MINUTES = 2;
/** Wanted of five servers with ten requests a second, as simulated time by the processor's; and the same of crashes alone. */
const WANTED_RATIO = 300;
const WANTED_LITE_RATIO = 1000;
/** Wanted for each minute of the processor's time in the profile `election`. */
const WANTED_LEADERS = 200;
const WANTED_REJOINS = 500;
const WANTED_CELLS = 300;

interface Part {
  readonly seconds: number;
  readonly counts: Counts;
}

/** So many runs are aimed at a cell that no other run has filled. */
const TRIES = 400;

/** Runs of fresh seeds, one after the other, what they have met, and which of them have failed. */
class Runs {
  readonly matrix: FaultMatrix = new FaultMatrix();
  /** How each run that failed is had again, and what it broke. */
  readonly failures: string[] = [];
  #next: number;

  constructor(first: number) {
    this.#next = first;
  }

  one(wishes: PlanWishes): Counts {
    const { seed, counts, faults, failure } = runSeed({ ...wishes, seed: this.#next++, minutes: MINUTES });
    this.matrix.add(faults.matrix);
    if (failure !== null) this.failures.push(`${commandOf(seed, wishes)}\n  ${failure.message}`);
    return counts;
  }

  /** Runs for so many seconds of the processor's time. */
  measure(wishes: PlanWishes, seconds: number): Part {
    const counts = noCounts();
    const began = usedSeconds();
    while (usedSeconds() - began < seconds) addCounts(counts, this.one(wishes));
    return { seconds: usedSeconds() - began, counts };
  }

  /** The same behind as many seconds that are not counted: a sweep, which the figures are for, waits for the compiler once. */
  measureWarm(wishes: PlanWishes, seconds: number): Part {
    this.measure(wishes, seconds);
    return this.measure(wishes, seconds);
  }
}

/** The command that runs one seed as it was run here. */
export function commandOf(seed: number, wishes: PlanWishes): string {
  const quoted = (value: unknown): string =>
    typeof value === 'string' && value.includes(' ') ? `'${value}'` : `${value}`;
  const options = Object.entries(wishes).map(([name, value]) =>
    value === true ? `--${name}` : `--${name} ${quoted(value)}`,
  );
  return ['npm run sim -- --seed', seed, '--minutes', MINUTES, ...options].join(' ');
}

/** What runs are drawn with in which servers are to be struck in this phase. */
function aimedAt(aim: Phase, isDisk: boolean): PlanWishes {
  const voters = aim.startsWith('alone') ? 1 : 3;
  const observers = aim.startsWith('observing') ? 2 : 0;
  const profile = observers > 0 || voters === 1 ? 'everything' : 'sync';
  return { voters, observers, profile, ...(isDisk ? { disk: true } : {}), aim };
}

/** What makes it likelier that this fault strikes a server in that phase. */
function likelyFor(fault: string, phase: Phase): PlanWishes {
  // Disks are lost only where nothing is under way: it should not be often; and of those that look for a leader, only observers'.
  if (fault === 'wipe') return { rate: 2, ...(phase === 'looking' ? { observers: 2, profile: 'everything' } : {}) };
  // The log has to be written all the time for an operation of the disk to meet a phase that is over in a moment.
  return fault === 'crashAtDisk' ? { rate: 100 } : {};
}

/** Runs that strike in every phase, until no cell is empty without a reason. */
function fillMatrix(runs: Runs, limit: number): void {
  for (const profile of PROFILES) {
    runs.measure({ profile }, limit / 5);
    runs.measure({ profile, voters: 3, disk: true }, limit / 5);
  }
  for (const aim of PASSING_PHASES) {
    runs.measure(aimedAt(aim, false), limit / 5);
    runs.measure(aimedAt(aim, true), limit / 5);
  }
  for (const { fault, phase } of summarize(runs.matrix, INJECTED_FAULTS).unexplained) {
    const wishes = {
      ...aimedAt(phase, (DISK_FAULTS as readonly string[]).includes(fault)),
      ...likelyFor(fault, phase),
      strike: fault,
    };
    for (let tries = 0; tries < TRIES && runs.matrix.count(fault, phase) === 0; tries++) runs.one(wishes);
  }
}

/**
 * Measures the simulator: how fast time passes in it, and what it meets; then tells whom each fault has struck when. Figures
 * are by the processor's time of this process. A seed that breaks a law is told in the end. Returns 0; 1 when there was one, or
 * when a cell of the matrix is empty without a reason, or struck in spite of one, or when a figure is missed. With `--quick` no run
 * aims at cells, empty ones are no failure, and a quarter of each figure will do: that is for machines that do other work, too, and for
 * processes that still wait for the compiler.
 */
export function figures(argv: readonly string[]): number {
  const limit = numberIn(argv, '--cpu', 25);
  const isQuick = argv.includes('--quick');
  const runs = new Runs(numberIn(argv, '--first', 1));
  const { matrix, failures } = runs;
  const lite = runs.measureWarm({ voters: 5, observers: 0, rate: 10, profile: 'lite' }, limit);
  const busy = runs.measureWarm({ voters: 5, observers: 0, rate: 10 }, limit);
  const elections = runs.measureWarm({ voters: 3, observers: 0, profile: 'election' }, limit);
  if (!isQuick) fillMatrix(runs, limit);

  const missed: string[] = [];
  const row = (what: string, reached: number, wanted: number | null, unit = ''): string => {
    if (wanted !== null && reached < (isQuick ? wanted / 4 : wanted)) missed.push(what);
    return `| ${what} | ${Math.round(reached)}${unit} | ${wanted === null ? '' : `${wanted}${unit}`} |\n`;
  };
  const text = [
    '| figure, by the time of one core | reached | wanted |\n| --- | --- | --- |\n',
    row('simulated time, five servers, ten requests a second, all faults', ratioOf(busy), WANTED_RATIO, 'x'),
    row('the same with crashes alone (profile `lite`)', ratioOf(lite), WANTED_LITE_RATIO, 'x'),
    row('commits a second, all faults', busy.counts.writes / busy.seconds, null),
    row('commits a second, `lite`', lite.counts.writes / lite.seconds, null),
    row('leader changes a minute, profile `election`', perMinute(elections, 'elections'), WANTED_LEADERS),
    row('rejoins a minute, profile `election`', rejoinsOf(elections), WANTED_REJOINS),
  ];
  const { text: table, filled, explained, unexplained, contradicted } = summarize(matrix, INJECTED_FAULTS);
  const cells = filled + explained + unexplained.length;
  const named = (some: readonly Cell[]): string => some.map(({ fault, phase }) => `\n  ${fault} in ${phase}`).join('');
  process.stdout.write(isQuick ? text.join('') : `${text.join('')}\n${table}\n\n`);
  process.stdout.write(
    `${cells} cells of fault and phase: ${filled} struck (${WANTED_CELLS} wanted), ${explained} empty with a reason, ` +
      `${unexplained.length} empty without${isQuick ? '' : named(unexplained)}\n`,
  );
  if (contradicted.length > 0) process.stdout.write(`Struck in spite of a reason:${named(contradicted)}\n`);
  if (failures.length > 0) process.stdout.write(`${failures.length} runs failed:\n${failures.join('\n')}\n`);
  if (missed.length > 0) process.stdout.write(`Missed: ${missed.join('; ')}\n`);
  const isWhole = isQuick || (unexplained.length === 0 && filled >= WANTED_CELLS);
  return isWhole && contradicted.length === 0 && missed.length === 0 && failures.length === 0 ? 0 : 1;
}

function ratioOf({ counts, seconds }: Part): number {
  return counts.simulatedMicros / 1e6 / seconds;
}

function perMinute({ counts, seconds }: Part, key: keyof Counts): number {
  return (counts[key] * 60) / seconds;
}

function rejoinsOf(part: Part): number {
  return perMinute(part, 'diffs') + perMinute(part, 'truncs') + perMinute(part, 'snaps');
}

function usedSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
