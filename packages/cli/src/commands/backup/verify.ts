import process from 'node:process';
import { type VerifyReport, verifyBackup } from '@headkeeper/server/internal';
import { withBackup } from '../../backup/open-repository.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { replaySettings } from '../../history/history-source.ts';
import { zxidText } from '../../history/moment.ts';
import { bytesText, durationText, plural, startProgress } from '../../progress.ts';
import type { ListOptions } from './option-types.ts';

/**
 * Looks at everything in a backup, and prints what is wrong with it.
 *
 * @throws CommandError with the code for backups that cannot be used when something is.
 */
export async function runVerify(options: ListOptions): Promise<void> {
  const began = performance.now();
  await withBackup(options, false, async ({ repository, signal }) => {
    const progress = startProgress('Verifying', 'bytes', null);
    const report = await verifyBackup(repository, {
      settings: replaySettings(),
      signal,
      progress: ({ bytes, totalBytes }) => progress.at(bytes, totalBytes),
    }).finally(() => progress.end());
    const took = performance.now() - began;
    const target = repository.target.description;
    process.stdout.write(options.json === true ? `${json(report, target, took)}\n` : text(report, target, took));
    if (report.sound) return;
    const count = report.problems.length;
    throw new CommandError(`${plural(count, 'problem')} found in ${target}`, ExitCode.backup);
  });
}

function text(report: VerifyReport, target: string, tookMs: number): string {
  const { fulls, logs, txns, bytes, digestsCompared, problems, newestRestorableZxid } = report;
  const lines = [
    `${target}: looked at ${plural(fulls, 'full backup')} and ${plural(logs, 'piece')} of log with ${plural(txns, 'txn')}, ` +
      `${bytesText(bytes)}, in ${durationText(tookMs)}`,
    `  ${plural(digestsCompared, 'tree')} built, each with the digest that the backup gives it`,
  ];
  for (const { kind, message, advice } of problems) lines.push(`  ${kind.toUpperCase()}: ${message} ${advice}`);
  if (problems.length === 0) lines.push('  every checksum is right');
  lines.push(
    newestRestorableZxid === null
      ? '  nothing can be restored'
      : `  the newest state that can be restored is zxid ${zxidText(newestRestorableZxid)}`,
  );
  return `${lines.join('\n')}\n`;
}

function json(report: VerifyReport, target: string, tookMs: number): string {
  const { sound, problems, fulls, logs, txns, bytes, digestsCompared, newestRestorableZxid } = report;
  return JSON.stringify({
    target,
    sound,
    problems,
    fulls,
    pieces: logs,
    txns,
    bytes,
    digestsCompared,
    newestRestorable: newestRestorableZxid === null ? null : zxidText(newestRestorableZxid),
    tookMs: Math.round(tookMs),
  });
}
