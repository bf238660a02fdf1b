import { counterOf, epochOf, zxidIn } from '@headkeeper/protocol';
import { unguessableBytes } from '../adapters/system/unguessable.ts';

/** Name of the object that makes a target a backup. */
export const HEAD_OBJECT = 'headkeeper-backup.json';
const FULL_FOLDER = 'full/';
export const LOG_FOLDER = 'log/';

export const RESTORED_FOLDER = 'restored/';

/** What the name of a full backup says. */
export interface FullName {
  readonly kind: 'full';
  readonly zxid: number;
  readonly uid: string;
}

/** What the name of a piece of log says. */
export interface LogName {
  readonly kind: 'log';
  readonly afterZxid: number;
  readonly firstZxid: number;
  readonly lastZxid: number;
  readonly uid: string;
}

export type BackupName = FullName | LogName;

/** A name, and which of the two objects it stands for. */
export interface ParsedName {
  readonly name: BackupName;
  readonly part: 'manifest' | 'data';
}

const NAME =
  /^(?:full\/([0-9a-f]{16})|log\/([0-9a-f]{16})\.([0-9a-f]{16})\.([0-9a-f]{16}))-([0-9a-f]{8})\.(json|snapshot(?:\.gz)?(?:\.enc)?|log(?:\.gz)?(?:\.enc)?)$/;

const MARK = /^restored\/([0-9a-f]{16})\.json$/;

/** Name of the mark that a restore leaves which goes on in this epoch. */
export function restoreMarkObject(epoch: number): string {
  return `${RESTORED_FOLDER}${hex16(zxidIn(epoch, 0))}.json`;
}

/** The epoch of a restore's mark; null when the name is none of a mark's. */
export function epochOfRestoreMark(object: string): number | null {
  const zxid = zxidOf(MARK.exec(object)?.[1] ?? '');
  return zxid === null || counterOf(zxid) !== 0 ? null : epochOf(zxid);
}

/** Eight random hexadecimal digits: whoever puts an object makes its name its own. */
export function newUid(): string {
  return unguessableBytes(4).toString('hex');
}

/** The name of the manifest. */
export function manifestObject(name: BackupName): string {
  return `${stem(name)}.json`;
}

/** The name of the data. */
export function dataObject(name: BackupName, compressed: boolean, encrypted: boolean): string {
  const kind = name.kind === 'full' ? 'snapshot' : 'log';
  return `${stem(name)}.${kind}${compressed ? '.gz' : ''}${encrypted ? '.enc' : ''}`;
}

/** What an object is by its name; null when the name is none of a backup's. */
export function parseObjectName(object: string): ParsedName | null {
  const match = NAME.exec(object);
  if (match === null) return null;
  const [, full, after = '', first = '', last = '', uid = '', suffix = ''] = match;
  const part = suffix === 'json' ? 'manifest' : 'data';
  if (full !== undefined) {
    const zxid = zxidOf(full);
    if (zxid === null || suffix.startsWith('log')) return null;
    return { name: { kind: 'full', zxid, uid }, part };
  }
  const afterZxid = zxidOf(after);
  const firstZxid = zxidOf(first);
  const lastZxid = zxidOf(last);
  if (afterZxid === null || firstZxid === null || lastZxid === null || suffix.startsWith('snapshot')) return null;
  const name: LogName = { kind: 'log', afterZxid, firstZxid, lastZxid, uid };
  return isPossible(name) ? { name, part } : null;
}

/**
 * Whether such a piece of log can be: its txns are of one epoch, and the one before the first is the one with the counter
 * before, or of an earlier epoch.
 */
export function isPossible({ afterZxid, firstZxid, lastZxid }: LogName): boolean {
  if (counterOf(firstZxid) === 0 || lastZxid < firstZxid || epochOf(firstZxid) !== epochOf(lastZxid)) return false;
  return afterZxid === firstZxid - 1 || (counterOf(firstZxid) === 1 && afterZxid < firstZxid);
}

function stem(name: BackupName): string {
  if (name.kind === 'full') return `${FULL_FOLDER}${hex16(name.zxid)}-${name.uid}`;
  return `${LOG_FOLDER}${hex16(name.afterZxid)}.${hex16(name.firstZxid)}.${hex16(name.lastZxid)}-${name.uid}`;
}

function hex16(zxid: number): string {
  return zxid.toString(16).padStart(16, '0');
}

function zxidOf(hex: string): number | null {
  const zxid = Number.parseInt(hex, 16);
  return Number.isSafeInteger(zxid) ? zxid : null;
}
