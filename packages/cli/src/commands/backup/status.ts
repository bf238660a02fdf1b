import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochOf } from '@headkeeper/protocol';
import type { BackupRepository } from '@headkeeper/server/internal';
import { askAdminJson, isAdminAddress } from '../../backup/admin-client.ts';
import { type OpenBackup, withBackup } from '../../backup/open-repository.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { zxidText } from '../../history/moment.ts';
import { parseHostPort } from '../../host-port.ts';
import { countText, durationText, plural } from '../../progress.ts';
import { askFourLetter } from '../status/four-letter.ts';
import type { StatusOptions } from './option-types.ts';

/** What the target itself shows. */
interface TargetStatus {
  readonly target: string;
  /** Everything up to here is safe; null when nothing is. */
  readonly zxid: number | null;
  /** When something was last published, milliseconds since 1970. */
  readonly lastSuccessMs: number | null;
  readonly lastFullZxid: number | null;
  readonly lastFullMs: number | null;
  readonly fulls: number;
  readonly pieces: number;
}

/** What a server says. */
interface ServerView {
  readonly server: string;
  /** The last txn that it has applied; null when it does not say. */
  readonly zxid: number | null;
  /** Its own report of its backups; null when it makes none, or does not say. */
  readonly backup: Readonly<Record<string, unknown>> | null;
}

interface Status {
  readonly target: TargetStatus | null;
  readonly server: ServerView | null;
}

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
    const problem = problemOf(status);
    if (problem !== null) throw new CommandError(problem, ExitCode.behind);
  });
}

/** Shows the same again and again, until it is interrupted. */
export async function runWatch(options: StatusOptions): Promise<void> {
  await withSources(options, async (backup, signal) => {
    while (!signal.aborted) {
      const at = new Date().toISOString();
      try {
        const status = await look(options, backup?.repository ?? null, signal);
        process.stdout.write(options.json === true ? `${json(status)}\n` : `${at}  ${line(status)}\n`);
      } catch (error) {
        if (signal.aborted) return;
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

async function withSources(
  options: StatusOptions,
  work: (backup: OpenBackup | null, signal: AbortSignal) => Promise<void>,
): Promise<void> {
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
  const catalogue = await repository.catalogue(signal);
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

/** Txns that the server has and the target has not; null when they cannot be counted: one of them is not known, or the epochs differ. */
function lagOf({ target, server }: Status): number | null {
  if (target === null || server === null || target.zxid === null || server.zxid === null) return null;
  if (epochOf(target.zxid) !== epochOf(server.zxid)) return null;
  return Math.max(0, server.zxid - target.zxid);
}

function problemOf({ target, server }: Status): string | null {
  if (target !== null && target.zxid === null) return `${target.target} holds no backup yet`;
  if (target !== null && target.fulls === 0) return `${target.target} holds no full backup: nothing can be restored`;
  if (server === null) return null;
  const { backup } = server;
  if (backup === null) return target === null ? `${server.server} makes no backups (backup.target is not set)` : null;
  if (typeof backup.blocked === 'string') return backup.blocked;
  if (backup.blocked === 1) return `${server.server} cannot go on without an operator; its log says why`;
  const failures = Number(backup.failures_in_a_row ?? 0);
  if (failures === 0) return null;
  const last = backup.last_failure as { message?: unknown } | null | undefined;
  return `the last ${failures} attempts of ${server.server} failed${last?.message === undefined ? '' : `: ${String(last.message)}`}`;
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

function line(status: Status): string {
  const { target, server } = status;
  const lag = lagOf(status);
  const lagMs = server?.backup?.lag_ms;
  return [
    ...(target === null
      ? []
      : [`safe ${target.zxid === null ? 'nothing' : zxidText(target.zxid)} ${ago(target.lastSuccessMs)}`]),
    ...(server?.zxid === null || server === null ? [] : [`server ${zxidText(server.zxid)}`]),
    ...(lag === null ? [] : [`behind ${plural(lag, 'txn')}`]),
    ...(typeof lagMs === 'number' ? [`lag ${durationText(lagMs)}`] : []),
    problemOf(status) ?? 'ok',
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
