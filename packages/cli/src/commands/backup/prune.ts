import process from 'node:process';
import type { ServerConfig } from '@headkeeper/server';
import { type Entry, type PruneResult, pruneBackup, type RetentionRules } from '@headkeeper/server/internal';
import { withBackup } from '../../backup/open-repository.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { zxidText } from '../../history/moment.ts';
import { confirm } from '../../plan/confirm.ts';
import { bytesText, plural } from '../../progress.ts';
import type { PruneCommandOptions } from './option-types.ts';

/**
 * Shows what the rules do not keep, asks, and removes it.
 *
 * @throws CommandError for wrong arguments, and when there is no terminal to ask on.
 */
export async function runPrune(options: PruneCommandOptions): Promise<void> {
  await withBackup(options, false, async ({ repository, config, signal }) => {
    const rules = rulesOf(options, config);
    const target = repository.target.description;
    const plan = await pruneBackup(repository, { rules, dryRun: true, signal });
    const isNothing = plan.remove.length + plan.removeLeftovers.length === 0;
    const isShown = options.json !== true;
    if (isShown) process.stdout.write(text(plan, target));
    const goesOn =
      !isNothing && options.dryRun !== true && (options.yes === true || (await confirm(`Remove this from ${target}?`)));
    const done = goesOn ? await pruneBackup(repository, { rules, dryRun: false, signal }) : plan;
    if (options.json === true) process.stdout.write(`${json(done, target, goesOn)}\n`);
    else if (goesOn) process.stdout.write(`Removed; ${bytesText(done.bytes)} are free.\n`);
    else if (!isNothing) process.stdout.write('Nothing was removed.\n');
  });
}

function rulesOf(options: PruneCommandOptions, config: ServerConfig | null): RetentionRules {
  const { keepCount, keepDays, keepHourly, keepDaily, keepWeekly } = options;
  const given = [keepCount, keepDays, keepHourly, keepDaily, keepWeekly];
  if (given.some(Number.isNaN)) {
    throw new CommandError('the --keep options take whole numbers', ExitCode.usage);
  }
  const rules = {
    count: keepCount ?? config?.backupKeepCount ?? 0,
    days: keepDays ?? config?.backupKeepDays ?? 0,
    hourly: keepHourly ?? config?.backupKeepHourly ?? 0,
    daily: keepDaily ?? config?.backupKeepDaily ?? 0,
    weekly: keepWeekly ?? config?.backupKeepWeekly ?? 0,
  };
  if (Object.values(rules).every((rule) => rule === 0)) {
    throw new CommandError(
      'say what to keep: --keep-count, --keep-days, --keep-hourly, --keep-daily or --keep-weekly, or --config',
      ExitCode.usage,
    );
  }
  return rules;
}

function text(plan: PruneResult, target: string): string {
  const { remove, removeLeftovers, keep, bytes, warnings } = plan;
  const fulls = remove.filter(({ kind }) => kind === 'full');
  const pieces = remove.length - fulls.length;
  const kept = keep.filter(({ kind }) => kind === 'full').length;
  if (remove.length + removeLeftovers.length === 0)
    return `${target}: nothing to remove; ${plural(kept, 'full backup')} to keep.\n`;
  const lines = [
    `${target}: ${plural(fulls.length, 'full backup')}, ${plural(pieces, 'piece')} of log and ` +
      `${plural(removeLeftovers.length, 'unpublished object')} can go, ${bytesText(bytes)}; ${plural(kept, 'full backup')} to keep.`,
    ...fulls.map((full) => `  full backup ${nameOf(full)}`),
  ];
  for (const warning of warnings) lines.push(`  note: ${warning}`);
  return `${lines.join('\n')}\n`;
}

function nameOf(entry: Entry): string {
  return entry.kind === 'full' ? zxidText(entry.zxid) : `${zxidText(entry.firstZxid)} to ${zxidText(entry.lastZxid)}`;
}

function json(plan: PruneResult, target: string, removed: boolean): string {
  const { remove, removeLeftovers, keep, bytes, warnings } = plan;
  return JSON.stringify({
    target,
    removed,
    bytes,
    remove: remove.map((entry) => ({ kind: entry.kind, zxids: nameOf(entry), object: entry.manifest })),
    leftovers: removeLeftovers.map(({ name }) => name),
    keep: keep.length,
    warnings,
  });
}
