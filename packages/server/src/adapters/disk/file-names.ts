/**
 * Names in `version-2`. Apache splits names at dots and looks at the second part only, so what is not a log or a snapshot
 * must not begin with `log.` or `snapshot.`.
 *
 * Source of the rule: storage-formats reference, section 1.
 */

/** The zxid of `<kind>.<hex>[.suffix]`, or null when the name is none of that kind. */
export function zxidOfName(kind: 'log' | 'snapshot', name: string): number | null {
  if (!name.startsWith(kind)) return null;
  const parts = name.split('.');
  const hex = parts[1];
  if (parts[0] !== kind || hex === undefined || !/^[0-9a-fA-F]{1,16}$/.test(hex)) return null;
  const zxid = Number.parseInt(hex, 16);
  return Number.isSafeInteger(zxid) ? zxid : null;
}

export function logName(firstZxid: number): string {
  return `log.${firstZxid.toString(16)}`;
}

export function snapshotName(zxid: number): string {
  return `snapshot.${zxid.toString(16)}`;
}

/** A log file before it has its first record's name. */
export const SPARE_LOG_NAME = 'spare-log';

/** Where a snapshot is written before it has its name; `serial` keeps two of the same zxid apart. */
export function unfinishedSnapshotName(zxid: number, serial: number | 'aside'): string {
  return `${UNFINISHED_SNAPSHOT_PREFIX}${zxid.toString(16)}-${serial}`;
}

/** What a whole snapshot is called that is not to count yet; a start removes it like an unfinished one. */
export function asideSnapshotName(zxid: number): string {
  return `${UNFINISHED_SNAPSHOT_PREFIX}aside-${zxid.toString(16)}`;
}

export const UNFINISHED_SNAPSHOT_PREFIX = 'tmp-snapshot-';
