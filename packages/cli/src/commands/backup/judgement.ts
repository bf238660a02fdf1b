import { counterOf, epochOf } from '@headkeeper/protocol';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { durationText } from '../../progress.ts';

/** What the target itself shows. */
export interface TargetStatus {
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
export interface ServerView {
  readonly server: string;
  /** The last txn that it has applied; null when it does not say. */
  readonly zxid: number | null;
  /** Its own report of its backups; null when it makes none, or does not say. */
  readonly backup: Readonly<Record<string, unknown>> | null;
}

/** What both show. Null: not asked. */
export interface Status {
  readonly target: TargetStatus | null;
  readonly server: ServerView | null;
}

/** Txns that the server has and the target has not; null when they cannot be counted: one of them is not known, or the epochs differ. */
export function lagOf({ target, server }: Status): number | null {
  if (target === null || server === null || target.zxid === null || server.zxid === null) return null;
  if (epochOf(target.zxid) !== epochOf(server.zxid)) return null;
  return Math.max(0, server.zxid - target.zxid);
}

/** What is wrong with the backups, one sentence; null when nothing is. */
export function problemOf({ target, server }: Status): string | null {
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

/**
 * For how long, in milliseconds, the oldest txn that is not safe has been waiting at most: what the server says that ships; else,
 * while the server has more than the target, since when the target has got nothing. Null when neither tells.
 */
export function lagMsOf({ target, server }: Status, nowMs: number): number | null {
  if (server === null) return null;
  const { backup } = server;
  const isShipping = backup !== null && (backup.duty === 'shipping' || backup.shipping === 1);
  if (isShipping && typeof backup.lag_ms === 'number') return backup.lag_ms;
  if (target === null || target.zxid === null || target.lastSuccessMs === null || server.zxid === null) return null;
  // Counter 0 is no txn: an epoch has begun in which nothing has happened yet.
  const isSafe = server.zxid <= target.zxid || counterOf(server.zxid) === 0;
  return isSafe ? 0 : Math.max(0, nowMs - target.lastSuccessMs);
}

/**
 * What is wrong when a backup may be behind by so many milliseconds, one sentence; null when nothing is.
 *
 * @throws CommandError when what was asked cannot tell the lag.
 */
export function latenessOf(status: Status, maxLagMs: number, nowMs: number): string | null {
  const lagMs = lagMsOf(status, nowMs);
  const { target, server } = status;
  if (lagMs !== null) {
    if (lagMs <= maxLagMs) return null;
    return `${target?.target ?? `the backup of ${server?.server}`} is behind by ${durationText(lagMs)}, more than ${durationText(maxLagMs)}`;
  }
  if (target !== null && target.zxid === null) return null;
  const why = target === null ? 'does not ship itself' : 'does not say its zxid';
  throw new CommandError(
    `nobody tells how far the backup is behind: ${server?.server ?? 'the server'} ${why}. Ask the server that ships, or name the ` +
      'backup as well (--config or --target)',
    ExitCode.behind,
  );
}
