import type { Acl, Stat, WatchEvent } from '@headkeeper/client';

const LETTERS: readonly (readonly [bit: number, letter: string])[] = [
  [4, 'c'],
  [8, 'd'],
  [1, 'r'],
  [2, 'w'],
  [16, 'a'],
];

export function hex(number: number | bigint): string {
  return `0x${number.toString(16)}`;
}

/** `1 znode`, `2 znodes`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** The eleven lines of Apache's shell. */
export function statText(stat: Stat): string {
  return [
    `cZxid = ${hex(stat.czxid)}`,
    `ctime = ${dateText(stat.ctime)}`,
    `mZxid = ${hex(stat.mzxid)}`,
    `mtime = ${dateText(stat.mtime)}`,
    `pZxid = ${hex(stat.pzxid)}`,
    `cversion = ${stat.cversion}`,
    `dataVersion = ${stat.version}`,
    `aclVersion = ${stat.aversion}`,
    `ephemeralOwner = ${hex(BigInt.asUintN(64, stat.ephemeralOwner))}`,
    `dataLength = ${stat.dataLength}`,
    `numChildren = ${stat.numChildren}`,
  ].join('\n');
}

/** The same for programs: zxids and session ids in hexadecimal. */
export function statJson(stat: Stat): object {
  return {
    czxid: hex(stat.czxid),
    mzxid: hex(stat.mzxid),
    pzxid: hex(stat.pzxid),
    ctime: new Date(stat.ctime).toISOString(),
    mtime: new Date(stat.mtime).toISOString(),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: stat.ephemeralOwner === 0n ? null : hex(BigInt.asUintN(64, stat.ephemeralOwner)),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}

/** As Java writes it: `Thu Jan 01 00:00:00 UTC 1970`, in the time zone of this machine. */
export function dateText(ms: number): string {
  const date = new Date(ms);
  // `Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)`
  const [day, month, of, year, time] = date.toString().split(' ');
  const zone = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' })
    .formatToParts(date)
    .find(({ type }) => type === 'timeZoneName');
  return `${day} ${month} ${of} ${time} ${zone?.value ?? 'UTC'} ${year}`;
}

/** Two lines for each entry. */
export function aclText(acl: readonly Acl[]): string {
  return acl.map(({ scheme, id, perms }) => `'${scheme},'${id}\n: ${permsText(perms)}`).join('\n');
}

export function permsText(perms: number): string {
  return LETTERS.filter(([bit]) => (perms & bit) !== 0)
    .map(([, letter]) => letter)
    .join('');
}

export function listText(items: readonly string[]): string {
  return `[${items.join(', ')}]`;
}

const RULER = '+-------------------------------------------------+';

/** Sixteen bytes a line, in hexadecimal and as text; nothing for no bytes. */
export function hexDump(bytes: Uint8Array): string {
  if (bytes.length === 0) return '';
  const lines = [`         ${RULER}`, '         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |'];
  lines.push(`+--------${RULER}----------------+`);
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const digits = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = Array.from(row, (byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`|${at.toString(16).padStart(8, '0')}| ${digits.padEnd(48)}|${text.padEnd(16)}|`);
  }
  lines.push(`+--------${RULER}----------------+`);
  return lines.join('\n');
}

const EVENT_NAMES: Readonly<Record<WatchEvent['type'], string | null>> = {
  created: 'NodeCreated',
  deleted: 'NodeDeleted',
  dataChanged: 'NodeDataChanged',
  childrenChanged: 'NodeChildrenChanged',
  gap: null,
  closed: null,
};

/** The name Apache gives an event; null for what it does not tell. */
export function eventName(type: WatchEvent['type']): string | null {
  return EVENT_NAMES[type];
}

export function watchedEventText(state: string, type: string, path: string | null, zxid: number | null): string {
  return `\nWATCHER::\n\nWatchedEvent state:${state} type:${type} path:${path} zxid: ${zxid ?? -1}`;
}
