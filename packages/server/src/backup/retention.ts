import type { Catalogue, Entry, FullEntry } from './catalogue.ts';
import { planChain } from './chain.ts';
import { historyLines } from './history-lines.ts';
import type { FullManifest } from './manifest.ts';
import type { TargetObject } from './target.ts';

/** Which full backups stay: those that any of the rules keeps. 0 switches a rule off; with all off everything stays. */
export interface RetentionRules {
  /** So many of the newest. */
  readonly count: number;
  /**
   * Those taken in so many days before the newest one, or put into the target in so many days before it, by the target's
   * clock: one of the two clocks may be wrong.
   */
  readonly days: number;
  /** The last one of each of so many hours, days, weeks (UTC, from Monday) in which one was taken, the newest ones. */
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
}

/** What may go, and what stays. */
export interface RetentionPlan {
  readonly keep: readonly Entry[];
  readonly remove: readonly Entry[];
  /** Data that was never published and is not being put any more. */
  readonly removeLeftovers: readonly TargetObject[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const WEEK_MS: number = 7 * DAY_MS;
/** 1970-01-01 was a Thursday. */
const FIRST_MONDAY_MS: number = 4 * DAY_MS;

/**
 * Decides what may go. `manifests`: those of the full backups that are known to be sound, by the name of the manifest; the
 * others neither count for a rule nor are removed. Never goes: the newest sound full backup, whatever the newest state is
 * restored from, and the log from the oldest full backup on that `count` or `days` keeps. Leftovers go when the newest object
 * of the target is a day younger: both times are by the target's clock.
 */
export function planRetention(
  catalogue: Catalogue,
  manifests: ReadonlyMap<string, FullManifest>,
  rules: RetentionRules,
): RetentionPlan {
  const everything: readonly Entry[] = [...catalogue.fulls, ...catalogue.logs];
  const newestPutMs = everything.reduce((newest, { publishedMs }) => Math.max(newest, publishedMs), 0);
  const removeLeftovers = catalogue.leftovers.filter(({ modifiedMs }) => modifiedMs < newestPutMs - DAY_MS);
  const sound = catalogue.fulls.filter(({ manifest }) => manifests.has(manifest));
  const { count, days, hourly, daily, weekly } = rules;
  if (count + days + hourly + daily + weekly === 0 || sound.length === 0) {
    return { keep: everything, remove: [], removeLeftovers };
  }
  const takenMs = ({ manifest }: FullEntry): number => manifests.get(manifest)?.takenMs ?? 0;
  const newestFirst = sound.toReversed();
  const newest = newestFirst[0] as FullEntry;
  const takenSinceMs = takenMs(newest) - days * DAY_MS;
  const putSinceMs = newest.publishedMs - days * DAY_MS;
  const recent = newestFirst.filter((full, i) => {
    const isYoung = days > 0 && (takenMs(full) > takenSinceMs || full.publishedMs > putSinceMs);
    return i === 0 || i < count || isYoung;
  });
  const kept = new Set<Entry>(catalogue.fulls.filter(({ manifest }) => !manifests.has(manifest)));
  for (const full of recent) kept.add(full);
  for (const full of lastOfEach(newestFirst, hourly, (full) => Math.floor(takenMs(full) / HOUR_MS))) kept.add(full);
  for (const full of lastOfEach(newestFirst, daily, (full) => Math.floor(takenMs(full) / DAY_MS))) kept.add(full);
  const week = (full: FullEntry): number => Math.floor((takenMs(full) - FIRST_MONDAY_MS) / WEEK_MS);
  for (const full of lastOfEach(newestFirst, weekly, week)) kept.add(full);

  for (const entry of neededByNewest(catalogue, manifests)) kept.add(entry);
  // Logs of a history that was left stay as long as those of the one that was chosen: their zxids are of the same range.
  const logsBehind = recent.at(-1)?.zxid ?? 0;
  for (const log of catalogue.logs) if (log.lastZxid > logsBehind) kept.add(log);
  return {
    keep: everything.filter((entry) => kept.has(entry)),
    remove: everything.filter((entry) => !kept.has(entry)),
    removeLeftovers,
  };
}

/** The first full backup in each of so many different periods. */
function lastOfEach(
  newestFirst: readonly FullEntry[],
  count: number,
  periodOf: (full: FullEntry) => number,
): FullEntry[] {
  const seen = new Set<number>();
  const found: FullEntry[] = [];
  for (const full of newestFirst) {
    const period = periodOf(full);
    if (seen.has(period)) continue;
    if (seen.size === count) break;
    seen.add(period);
    found.push(full);
  }
  return found;
}

/** What the newest state is restored from, and from the newest sound full backup on all pieces of log that agree with it. */
function neededByNewest(catalogue: Catalogue, manifests: ReadonlyMap<string, FullManifest>): Entry[] {
  const unsound = catalogue.fulls.filter(({ manifest }) => !manifests.has(manifest));
  const sound = catalogue.without(new Set(unsound.map(({ manifest }) => manifest)));
  const newest = sound.newestZxid;
  const plan = newest === null ? null : planChain(sound, newest);
  if (plan?.kind === 'chain') return [plan.full, ...plan.parts.map(({ log }) => log)];
  // The newest state cannot be restored. Whatever its history still holds may be what it is mended with.
  return [...(historyLines(sound)[0]?.fulls ?? []), ...(historyLines(sound)[0]?.parts ?? []).map(({ log }) => log)];
}
