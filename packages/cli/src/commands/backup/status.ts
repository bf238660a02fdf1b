import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BackupRepository, withSoundEnd } from '@headkeeper/server/internal';
import { askAdminJson, isAdminAddress } from '../../backup/admin-client.ts';
import { type OpenBackup, withBackup } from '../../backup/open-repository.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { zxidText } from '../../history/moment.ts';
import { parseHostPort } from '../../host-port.ts';
import { countText, durationText, plural } from '../../progress.ts';
import { askFourLetter } from '../status/four-letter.ts';
import { lagMsOf, lagOf, latenessOf, problemOf, type ServerView, type Status, type TargetStatus } from './judgement.ts';
import type { StatusOptions } from './option-types.ts';

const WATCH_EVERY_MS = 2000;
const ANSWER_MS = 5000;

/**
 * Shows how a backup is getting on.
 *
 * @throws CommandError with its own code when there is no backup, or it is behind.
 */
export async function runStatus(options: StatusOptions): Promise<void> {
  await withSources(options, async (backup, signal) => {
    const status = await look(options, backup?.repository ?? null, signal);
    process.stdout.write(options.json === true ? `${json(status)}\n` : text(status));
    const problem = problemOf(status) ?? lateness(status, options);
    if (problem !== null) throw new CommandError(problem, ExitCode.behind);
  });
}

/**
 * Shows the same again and again, until it is interrupted; with `--max-lag` until the backup is behind by more than that, or
 * nobody has told for so long.
 *
 * @throws CommandError with its own code for the latter.
 */
export async function runWatch(options: StatusOptions): Promise<void> {
  await withSources(options, async (backup, signal) => {
    let seenMs = performance.now();
    while (!signal.aborted) {
      const at = new Date().toISOString();
      try {
        const status = await look(options, backup?.repository ?? null, signal);
        const late = lateness(status, options);
        process.stdout.write(options.json === true ? `${json(status)}\n` : `${at}  ${line(status, late)}\n`);
        if (late !== null) throw new CommandError(late, ExitCode.behind);
        seenMs = performance.now();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof CommandError && error.exitCode === ExitCode.behind) throw error;
        if (performance.now() - seenMs > (options.maxLag ?? Number.POSITIVE_INFINITY)) {
          throw new CommandError(
            `nobody tells how far the backup is behind: ${(error as Error).message}`,
            ExitCode.behind,
          );
        }
        // What cannot be reached now may be there again in a moment.
        process.stdout.write(
          options.json === true
            ? `${JSON.stringify({ time: at, error: (error as Error).message })}\n`
            : `${at}  ${(error as Error).message}\n`,
        );
      }
      await sleep(WATCH_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  });
}

function lateness(status: Status, { maxLag }: StatusOptions): string | null {
  return maxLag === undefined ? null : latenessOf(status, maxLag, Date.now());
}

async function withSources(
  options: StatusOptions,
  work: (backup: OpenBackup | null, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (options.maxLag !== undefined && options.server === undefined) {
    throw new CommandError('--max-lag needs --server: the backup alone does not tell what it lacks', ExitCode.usage);
  }
  if (options.config === undefined && options.target === undefined && options.server !== undefined) {
    const interrupt = new AbortController();
    process.once('SIGINT', () => interrupt.abort());
    return work(null, interrupt.signal);
  }
  await withBackup(options, false, (backup) => work(backup, backup.signal));
}

async function look(options: StatusOptions, repository: BackupRepository | null, signal: AbortSignal): Promise<Status> {
  const server = options.server === undefined ? null : await serverView(options.server, signal);
  return { target: repository === null ? null : await targetStatus(repository, signal), server };
}

async function targetStatus(repository: BackupRepository, signal: AbortSignal): Promise<TargetStatus> {
  const { catalogue } = await withSoundEnd(repository, await repository.catalogue(signal), signal);
  const lastFull = catalogue.fulls.at(-1) ?? null;
  const published = [...catalogue.fulls, ...catalogue.logs].map(({ publishedMs }) => publishedMs);
  return {
    target: repository.target.description,
    zxid: catalogue.newestZxid,
    lastSuccessMs: published.length === 0 ? null : published.reduce((latest, ms) => Math.max(latest, ms)),
    lastFullZxid: lastFull?.zxid ?? null,
    lastFullMs: lastFull?.publishedMs ?? null,
    fulls: catalogue.fulls.length,
    pieces: catalogue.logs.length,
  };
}

async function serverView(server: string, signal: AbortSignal): Promise<ServerView> {
  if (isAdminAddress(server)) {
    const backup = await askAdminJson(server, 'backup', null, signal);
    const stat = await askAdminJson(server, 'server_stats', null, signal).catch(() => null);
    const figures = stat?.server_stats as { last_processed_zxid?: unknown } | undefined;
    return { server, zxid: zxidIn(figures?.last_processed_zxid), backup: 'target' in backup ? backup : null };
  }
  const address = parseHostPort(server);
  const answer = await askFourLetter(address, 'mntr', ANSWER_MS);
  const figures = new Map(answer.split('\n').map((row) => row.split('\t') as [string, string]));
  if (!figures.has('zk_version')) {
    const srvr = await askFourLetter(address, 'srvr', ANSWER_MS);
    return { server, zxid: zxidIn(/^Zxid: (0x[0-9a-f]+)$/m.exec(srvr)?.[1]), backup: null };
  }
  const backup: Record<string, unknown> = {};
  for (const [name, value] of figures) {
    if (name.startsWith('zk_backup_')) backup[name.slice('zk_backup_'.length)] = Number(value);
  }
  const srvr = await askFourLetter(address, 'srvr', ANSWER_MS);
  const zxid = zxidIn(/^Zxid: (0x[0-9a-f]+)$/m.exec(srvr)?.[1]);
  return { server, zxid, backup: Object.keys(backup).length === 0 ? null : backup };
}

function zxidIn(value: unknown): number | null {
  const zxid = typeof value === 'string' && /^(?:0x)?[0-9a-f]{1,14}$/i.test(value) ? Number(value) : value;
  return typeof zxid === 'number' && Number.isSafeInteger(zxid) && zxid >= 0 ? zxid : null;
}

function text(status: Status): string {
  const { target, server } = status;
  const lines: string[] = [];
  if (target !== null) {
    lines.push(`${target.target}: ${plural(target.fulls, 'full backup')}, ${plural(target.pieces, 'piece')} of log`);
    if (target.zxid !== null) lines.push(`  safe up to zxid  ${zxidText(target.zxid)}`);
    lines.push(`  last success     ${ago(target.lastSuccessMs)}`);
    if (target.lastFullZxid !== null) {
      lines.push(`  last full        ${ago(target.lastFullMs)}, zxid ${zxidText(target.lastFullZxid)}`);
    }
  }
  if (server !== null) {
    const { zxid, backup } = server;
    lines.push(`${server.server}: ${zxid === null ? 'does not say its zxid' : `zxid ${zxidText(zxid)}`}`);
    const lag = lagOf(status);
    if (lag !== null) lines.push(`  behind by        ${plural(lag, 'txn')}`);
    if (backup === null) lines.push('  makes no backups itself');
    for (const [name, value] of Object.entries(backup ?? {}))
      lines.push(`  ${name.padEnd(16)} ${valueText(name, value)}`);
  }
  return `${lines.join('\n')}\n`;
}

function line(status: Status, late: string | null): string {
  const { target, server } = status;
  const lag = lagOf(status);
  const lagMs = lagMsOf(status, Date.now());
  return [
    ...(target === null
      ? []
      : [`safe ${target.zxid === null ? 'nothing' : zxidText(target.zxid)} ${ago(target.lastSuccessMs)}`]),
    ...(server?.zxid === null || server === null ? [] : [`server ${zxidText(server.zxid)}`]),
    ...(lag === null ? [] : [`behind ${plural(lag, 'txn')}`]),
    ...(lagMs === null ? [] : [`lag ${durationText(lagMs)}`]),
    problemOf(status) ?? late ?? 'ok',
  ].join('  ');
}

function valueText(name: string, value: unknown): string {
  if (value === null) return '-';
  if (typeof value === 'object') return JSON.stringify(value);
  if (typeof value !== 'number') return String(value);
  if (name.endsWith('_ms')) return durationText(value);
  return /^last_/.test(name) ? ago(value === 0 ? null : value) : countText(value);
}

function ago(ms: number | null): string {
  return ms === null ? 'never' : `${durationText(Math.max(0, Date.now() - ms))} ago (${new Date(ms).toISOString()})`;
}

function json(status: Status): string {
  const { target, server } = status;
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return JSON.stringify({
    time: new Date().toISOString(),
    ok: problemOf(status) === null,
    problem: problemOf(status),
    lagTxns: lagOf(status),
    lagMs: lagMsOf(status, Date.now()),
    target:
      target === null
        ? null
        : {
            target: target.target,
            zxid: target.zxid === null ? null : zxidText(target.zxid),
            lastSuccess: time(target.lastSuccessMs),
            lastFull:
              target.lastFullZxid === null
                ? null
                : { zxid: zxidText(target.lastFullZxid), published: time(target.lastFullMs) },
            fulls: target.fulls,
            pieces: target.pieces,
          },
    server:
      server === null
        ? null
        : { server: server.server, zxid: server.zxid === null ? null : zxidText(server.zxid), backup: server.backup },
  });
}
