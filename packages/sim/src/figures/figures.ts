import { numberIn } from '../arguments.ts';
import { addCounts, type Counts, noCounts } from '../counts.ts';
import { FaultMatrix, summarize } from '../matrix/fault-matrix.ts';
import { PASSING_PHASES } from '../matrix/phase.ts';
import { INJECTED_FAULTS } from '../plan/fault-injector.ts';
import { type PlanWishes, PROFILES } from '../plan/swarm.ts';
import { runSeed } from '../run.ts';

export const FIGURES_USAGE: string =
  '       npm run sim -- --figures [--cpu SECONDS of each part, 25 if not said] [--first SEED]';

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

/**
 * Measures the simulator: how fast time passes in it, and what it meets; then tells whom each fault has struck when. Figures
 * are by the processor's time of this process. Returns 0; 1 when a law was broken or a cell of the matrix is empty without
 * a reason.
 */
export function figures(argv: readonly string[]): number {
  const limit = numberIn(argv, '--cpu', 25);
  const matrix = new FaultMatrix();
  let next = numberIn(argv, '--first', 1);
  let isSound = true;
  const measure = (wishes: PlanWishes, seconds = limit): Part => {
    const counts = noCounts();
    const began = usedSeconds();
    while (usedSeconds() - began < seconds && isSound) {
      const result = runSeed({ ...wishes, seed: next++, minutes: MINUTES });
      addCounts(counts, result.counts);
      matrix.add(result.faults.matrix);
      if (result.failure === null) continue;
      isSound = false;
      process.stdout.write(`FAILED, seed ${result.seed}, ${JSON.stringify(wishes)}: ${result.failure.message}\n`);
    }
    return { seconds: usedSeconds() - began, counts };
  };
  // The engine is warm when it is measured.
  runSeed({ seed: next++, minutes: MINUTES });
  const busy = measure({ voters: 5, observers: 0, rate: 10 });
  const lite = measure({ voters: 5, observers: 0, rate: 10, profile: 'lite' });
  const elections = measure({ voters: 3, observers: 0, profile: 'election' });
  for (const profile of PROFILES) {
    measure({ profile }, limit / 5);
    measure({ profile, voters: 3, disk: true }, limit / 5);
  }
  for (const aim of PASSING_PHASES) {
    const voters = aim.startsWith('alone') ? 1 : 3;
    const observers = aim.startsWith('observing') ? 2 : 0;
    const wishes = { voters, observers, aim, profile: observers > 0 || voters === 1 ? 'everything' : 'sync' } as const;
    measure(wishes, limit / 5);
    if (voters > 1) measure({ ...wishes, disk: true }, limit / 5);
  }

  const row = (what: string, reached: number, wanted: number | null, unit = ''): string =>
    `| ${what} | ${Math.round(reached)}${unit} | ${wanted === null ? '' : `${wanted}${unit}`} |\n`;
  const text = [
    '| figure, by the time of one core | reached | wanted |\n| --- | --- | --- |\n',
    row('simulated time, five servers, ten requests a second, all faults', ratioOf(busy), WANTED_RATIO, 'x'),
    row('the same with crashes alone (profile `lite`)', ratioOf(lite), WANTED_LITE_RATIO, 'x'),
    row('commits a second, all faults', busy.counts.writes / busy.seconds, null),
    row('commits a second, `lite`', lite.counts.writes / lite.seconds, null),
    row('leader changes a minute, profile `election`', perMinute(elections, 'elections'), WANTED_LEADERS),
    row('rejoins a minute, profile `election`', rejoinsOf(elections), WANTED_REJOINS),
  ];
  const summary = summarize(matrix, INJECTED_FAULTS);
  const { filled, explained, unexplained } = summary;
  const cells = filled + explained + unexplained.length;
  process.stdout.write(`${text.join('')}\n${summary.text}\n\n`);
  process.stdout.write(
    `${cells} cells of fault and phase (${WANTED_CELLS} wanted): ${filled} struck, ${explained} empty with a reason, ` +
      `${unexplained.length} empty without${unexplained.map((cell) => `\n  ${cell}`).join('')}\n`,
  );
  return isSound && unexplained.length === 0 && cells >= WANTED_CELLS ? 0 : 1;
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
