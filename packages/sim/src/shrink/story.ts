import type { RunOptions } from '../run.ts';
import { runSeed } from '../run.ts';
import type { Shrunk } from './shrinker.ts';

/** Lines of the trace that are shown; what came before is told by its faults alone. */
const TAIL = 60;

const TOLD_FROM_BEFORE = /^\S+ (fault|silent:|refuse:|healed:|the faults|the core|server \d+ (ends|starts|stands))/;

/** Runs what is left once more, and tells how the law came to be broken. */
export function tell({ cuts, runs }: Shrunk, options: RunOptions): string {
  const lines: string[] = [];
  // Of pings there are many, and they say nothing.
  const keep = (line: string): void => {
    if (!/: PING \S+( \(|$)/.test(line)) lines.push(line);
  };
  const { plan, failure, servers, faults, minutes, hash } = runSeed({
    ...options,
    cuts,
    tell: keep,
  });
  const kinds = Object.entries(plan.weights).flatMap(([kind, weight]) => (weight > 0 ? [kind] : []));
  const earlier = lines.slice(0, -TAIL).filter((line) => TOLD_FROM_BEFORE.test(line));
  return [
    `shrunk in ${runs} runs: ${plan.voters} voters, ${plan.observers} observers, ${plan.clients} clients that ask for ` +
      `${kinds.join(', ')}; ${minutes} minutes under ${faults.injected.length} faults`,
    ...(earlier.length > 0 ? ['', 'what had happened before:', ...earlier] : []),
    '',
    `the last ${Math.min(TAIL, lines.length)} of ${lines.length} lines:`,
    ...lines.slice(-TAIL),
    '',
    ...servers,
    '',
    `BROKEN (${failure?.failureClass}): ${failure?.message}`,
    `trace hash ${hash}; again: npm run sim -- --seed ${options.seed}${wishes(options)} --cuts '${JSON.stringify(cuts)}' --trace`,
  ].join('\n');
}

function wishes({ minutes, profile, voters, observers, rate, reconfigure, restore, disk }: RunOptions): string {
  const said = { minutes, profile, voters, observers, rate };
  const numbers = Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [` --${name} ${value}`]));
  const flags = Object.entries({ reconfigure, restore, disk }).flatMap(([name, is]) =>
    is === true ? [` --${name}`] : [],
  );
  return `${numbers.join('')}${flags.join('')}`;
}
