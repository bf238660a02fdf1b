import { once } from 'node:events';
import process from 'node:process';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { AuditLog } from '../../history/audit-log.ts';
import { type Change, ChangeRecorder, type Held } from '../../history/change-recorder.ts';
import type { HistorySource } from '../../history/history-source.ts';
import { type NamedMoment, parseMoment, zxidText } from '../../history/moment.ts';
import type { SourceOptions } from '../../history/source-options.ts';
import { aclJson, aclText, valueJson, valueText } from '../../history/value-text.ts';
import { withHistory } from '../../history/with-history.ts';
import { requirePath, sameAcl } from '../../history/znode.ts';

export interface LogOptions extends SourceOptions {
  readonly from?: string;
  readonly to?: string;
  readonly recursive?: true;
  readonly auditLog?: string;
  readonly json?: true;
}

/**
 * Prints who changed what: every change of a znode, or below it, between two points of the history.
 *
 * @throws CommandError for wrong arguments and for a history that does not reach that far.
 */
export async function runLog(path: string | undefined, options: LogOptions): Promise<void> {
  const top = requirePath(path ?? '/');
  const from = options.from === undefined ? null : parseMoment(options.from);
  const to = options.to === undefined ? ({ kind: 'now' } as const) : parseMoment(options.to);
  const audit = options.auditLog === undefined ? null : await AuditLog.read(options.auditLog);
  await withHistory(options, async (source) => {
    const range = await rangeOf(source, from, to);
    let text = '';
    let told = 0;
    let seen = 0;
    const tell = (change: Change): void => {
      seen++;
      if (seen <= told) return;
      told = seen;
      const client = audit?.addressOf(change.session, change.timeMs) ?? null;
      text += options.json ? `${JSON.stringify(changeJson(change, client))}\n` : changeText(change, client);
      if (text.length < WRITE_CHARACTERS) return;
      process.stdout.write(text);
      text = '';
    };
    const filter = {
      path: top,
      // Without a path everything is asked for.
      recursive: options.recursive === true || path === undefined,
      includes: (zxid: number, timeMs: number) => range.includes(zxid, timeMs),
    };
    await source.replay(range.base, range.last, (state) => {
      // Another way through the backup leads past the same changes: those that were told are not told again.
      seen = 0;
      return new ChangeRecorder(state, filter, tell);
    });
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    for (const warning of source.warnings) process.stderr.write(`headkeeper: ${warning}\n`);
    if (told === 0) process.stderr.write(`headkeeper: nothing changed there in that time (${source.description})\n`);
  });
}

/** Lines are gathered into writes of this size. */
const WRITE_CHARACTERS = 1 << 16;

interface Range {
  /** The state to begin with. */
  readonly base: number;
  readonly last: number;
  includes(zxid: number, timeMs: number): boolean;
}

async function rangeOf(source: HistorySource, from: NamedMoment | null, to: NamedMoment): Promise<Range> {
  const last = await source.zxidAt(to);
  const oldest = await source.oldestZxid();
  let base = oldest;
  if (from !== null) {
    if (from.kind === 'zxid' && from.zxid > last) {
      throw new CommandError(`--from ${zxidText(from.zxid)} is later than the end, ${zxidText(last)}`, ExitCode.usage);
    }
    base = await baseOf(source, from, oldest);
    if (base > last) throw new CommandError('--from is later than --to', ExitCode.usage);
  }
  return {
    base,
    last,
    includes: (zxid, timeMs) => {
      if (zxid <= base) return false;
      if (from?.kind === 'time' && timeMs < from.ms) return false;
      if (from?.kind === 'zxid' && zxid < from.zxid) return false;
      return !(to.kind === 'time' && timeMs > to.ms);
    },
  };
}

/** The last txn that is not asked for; the oldest state there is when even that is later. */
async function baseOf(source: HistorySource, from: NamedMoment, oldest: number): Promise<number> {
  if (from.kind === 'now') return source.zxidAt(from);
  if (from.kind === 'zxid' && from.zxid <= oldest) return begins(source, oldest, from.zxid === oldest);
  try {
    return await source.zxidAt(
      from.kind === 'zxid' ? { kind: 'zxid', zxid: from.zxid - 1 } : { kind: 'time', ms: from.ms - 1 },
    );
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return begins(source, oldest, false);
  }
}

function begins(source: HistorySource, oldest: number, exactly: boolean): number {
  if (!exactly) {
    process.stderr.write(`headkeeper: ${source.description} begins at ${zxidText(oldest)}, later than asked for\n`);
  }
  return oldest;
}

function changeText(change: Change, client: string | null): string {
  const who = [`session ${sessionText(change.session)}`, ...(client === null ? [] : [`client ${client}`])].join(' ');
  const operation = change.inMulti ? `${change.operation} (multi)` : change.operation;
  const head = `${new Date(change.timeMs).toISOString()} ${zxidText(change.zxid)} ${who} ${operation} ${change.path}\n`;
  return head + sideText('-', change.before, change.after) + sideText('+', change.after, change.before);
}

/** One side of a change: what the other side says as well is left out. */
function sideText(mark: '-' | '+', side: Held | null, other: Held | null): string {
  if (side === null) return '';
  const aclChanged = other !== null && !sameAcl(side.acl, other.acl);
  if (aclChanged) return `  ${mark} acl ${aclText(side.acl)}\n`;
  const kind = other === null && side.kind !== 'persistent' ? ` ${side.kind}` : '';
  return `  ${mark} ${valueText(side.data)}${kind}\n`;
}

function changeJson(change: Change, client: string | null): object {
  return {
    time: new Date(change.timeMs).toISOString(),
    zxid: zxidText(change.zxid),
    session: sessionText(change.session),
    ...(client === null ? {} : { client }),
    operation: change.operation,
    multi: change.inMulti,
    path: change.path,
    before: heldJson(change.before),
    after: heldJson(change.after),
  };
}

function heldJson(held: Held | null): object | null {
  return held === null ? null : { data: valueJson(held.data), acl: aclJson(held.acl), kind: held.kind };
}

function sessionText(session: bigint): string {
  return `0x${BigInt.asUintN(64, session).toString(16)}`;
}
