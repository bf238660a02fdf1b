import {
  BackupError,
  type BackupRepository,
  type Catalogue,
  type FoundChange,
  findChange,
  historyLines,
  otherHistoryText,
  RestoreRefused,
  restorableFrom,
  type SoughtChange,
  type SoughtOperation,
  zxidAtTime,
} from '@headkeeper/server/internal';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { parseMoment, zxidText } from '../../history/moment.ts';
import type { RestoreOptions } from './option-types.ts';

/** The state that is wanted, as the options say. */
export type RestoreWish =
  | { readonly kind: 'latest' }
  | { readonly kind: 'zxid'; readonly zxid: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'before'; readonly change: SoughtChange };

/** The wish, found in a backup. */
export interface RestorePoint {
  readonly zxid: number;
  /** How it was found: sentences for people. */
  readonly notes: readonly string[];
}

const OPERATIONS: Readonly<Record<string, SoughtOperation>> = {
  create: 'create',
  delete: 'delete',
  set: 'setData',
  setData: 'setData',
  setACL: 'setACL',
  setAcl: 'setACL',
};

/** @throws CommandError for two wishes, and for what is no point in time. */
export function parseWish({ to, toZxid, toTime, before }: RestoreOptions): RestoreWish {
  const wishes = [to, toZxid, toTime, before].filter((wish) => wish !== undefined);
  if (wishes.length > 1) {
    throw new CommandError('give one of --to, --to-zxid, --to-time and --before', ExitCode.usage);
  }
  if (before !== undefined) return { kind: 'before', change: parseChange(before) };
  const text = to ?? toZxid ?? toTime;
  if (text === undefined || text === 'latest') return { kind: 'latest' };
  const moment = parseMoment(text);
  if (moment.kind === 'now') return { kind: 'latest' };
  if (toZxid !== undefined && moment.kind !== 'zxid') {
    throw new CommandError(`--to-zxid ${toZxid}: expected a zxid such as 0x100000002`, ExitCode.usage);
  }
  if (toTime !== undefined && moment.kind !== 'time') {
    throw new CommandError(`--to-time ${toTime}: expected a time such as 2026-01-31T14:03:07Z`, ExitCode.usage);
  }
  return moment;
}

/** `path=/config op=delete`, in any order; without `op` any change. */
function parseChange(text: string): SoughtChange {
  const path = /(?:^|\s)path=(\/\S*)/.exec(text)?.[1];
  const op = /(?:^|\s)op=(\S+)/.exec(text)?.[1];
  const rest = text.replace(/(?:^|\s)(?:path=\/\S*|op=\S+)/g, '').trim();
  const operation = op === undefined ? null : OPERATIONS[op];
  if (path === undefined || operation === undefined || rest !== '') {
    throw new CommandError(
      `--before "${text}": expected path=/some/znode, and op=create, delete, set or setACL if need be`,
      ExitCode.usage,
    );
  }
  return { path: path === '/' ? path : path.replace(/\/$/, ''), operation };
}

/**
 * Finds the zxid of a wish.
 *
 * @throws BackupError when the backup does not reach there, RestoreRefused when there was no such change.
 */
export async function findPoint(
  repository: BackupRepository,
  catalogue: Catalogue,
  wish: RestoreWish,
  signal: AbortSignal,
): Promise<RestorePoint> {
  switch (wish.kind) {
    case 'latest': {
      const zxid = catalogue.newestZxid;
      if (zxid !== null) return { zxid, notes: [] };
      throw new BackupError('not-covered', null, `The backup in ${repository.target.description} is empty.`);
    }
    case 'zxid':
      return { zxid: wish.zxid, notes: [] };
    case 'time':
      return pointAtTime(repository, catalogue, wish.ms, signal);
    case 'before': {
      const { path, operation } = wish.change;
      const found = await findChange(repository, catalogue, wish.change, signal);
      if (found !== null) return { zxid: found.beforeZxid, notes: [changeText(path, found)] };
      throw new RestoreRefused(
        'no-such-change',
        `the newest history in ${repository.target.description} holds no ${operation ?? 'change'} of ${path}. ` +
          `"headkeeper log ${path} --recursive" shows what changed there.`,
      );
    }
  }
}

async function pointAtTime(
  repository: BackupRepository,
  catalogue: Catalogue,
  ms: number,
  signal: AbortSignal,
): Promise<RestorePoint> {
  const { zxid, next, alsoZxid, elsewhere } = await zxidAtTime(repository, catalogue, ms, signal);
  const notes: string[] = [];
  if (next !== null) {
    notes.push(`The next txn, ${zxidText(next.zxid)}, is of ${new Date(next.timeMs).toISOString()}.`);
  }
  if (alsoZxid !== null) {
    notes.push(
      `The servers' clocks went back around that time: ${zxidText(alsoZxid)}, which is left out, is not later either. ` +
        `Use --to-zxid ${zxidText(alsoZxid)} to have it.`,
    );
  }
  notes.push(...elsewhere.map((other) => `NOTE: ${otherHistoryText(other)}`));
  return { zxid, notes };
}

function changeText(path: string, found: FoundChange): string {
  const { zxid, timeMs, session, operation, firstZxid, removedBelow } = found;
  const who = `session 0x${BigInt.asUintN(64, session).toString(16)}`;
  const when = new Date(timeMs).toISOString();
  const first = removedBelow === 0 ? '' : `, after ${removedBelow} deletes below it from ${zxidText(firstZxid)} on`;
  return `The last ${operation} of ${path} is txn ${zxidText(zxid)} of ${who} at ${when}${first}.`;
}

/** What can be restored instead: one line for each stretch of history without a gap. */
export function restorableText(catalogue: Catalogue): string {
  const ranges = historyLines(catalogue).flatMap((line) => {
    const from = restorableFrom(line);
    return from === null ? [] : [`  ${zxidText(from)} to ${zxidText(line.toZxid)}`];
  });
  return ranges.length === 0 ? 'Nothing can be restored from it.' : `What can be restored:\n${ranges.join('\n')}`;
}
