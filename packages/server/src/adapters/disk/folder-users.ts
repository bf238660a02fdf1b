import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { lockHolder } from './folder-lock.ts';

/** A process that uses a data directory, or seems to. */
export interface FolderUser {
  readonly pid: number;
  /** What shows it. */
  readonly sign: string;
}

export interface FolderUsers {
  readonly users: readonly FolderUser[];
  /** What could not be looked at, as a sentence; null when every process of this machine was. */
  readonly unknown: string | null;
}

/** Main classes of Apache's server. */
const APACHE_MAIN = /QuorumPeerMain|ZooKeeperServerMain/;

/**
 * Who uses the folders: Headkeeper by its lock; any process of this machine by its open files; and Apache ZooKeeper, which
 * takes no lock and opens a log only at its first write, by a configuration file on its command line that names one of the
 * folders. Needs Linux' /proc, and sees what this user may see.
 */
export function folderUsers(folders: readonly string[]): FolderUsers {
  const places = [...new Set(folders.map(realPathOf))];
  const users = new Map<number, string>();
  for (const folder of places) {
    const holder = lockHolder(folder);
    if (holder !== null) users.set(holder.pid, `holds the lock of ${folder} (Headkeeper on ${holder.host})`);
  }
  const pids = processIds();
  if (pids === null) {
    const unknown = 'Only the lock was looked at: this system does not show which files other processes have open.';
    return { users: listed(users), unknown };
  }
  let hidden = 0;
  for (const pid of pids) {
    if (pid === process.pid || users.has(pid)) continue;
    const sign = apacheOn(pid, places) ?? openIn(pid, places);
    if (sign === HIDDEN) hidden++;
    else if (sign !== null) users.set(pid, sign);
  }
  const unknown = `The open files of ${hidden} processes of other users could not be looked at.`;
  return { users: listed(users), unknown: hidden === 0 ? null : unknown };
}

const HIDDEN = Symbol('hidden');

function listed(users: ReadonlyMap<number, string>): FolderUser[] {
  return [...users].map(([pid, sign]) => ({ pid, sign }));
}

function processIds(): number[] | null {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return null;
  }
}

function openIn(pid: number, places: readonly string[]): string | typeof HIDDEN | null {
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const target = linkOf(`/proc/${pid}/fd/${name}`);
      const path = target.replace(/ \(deleted\)$/, '');
      if (places.some((place) => path.startsWith(`${place}/version-2/`))) return `has ${path} open`;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EACCES' || code === 'EPERM' ? HIDDEN : null;
  }
  return null;
}

/** Other processes' files are shown without symbolic links. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Descriptors come and go while they are looked at. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function apacheOn(pid: number, places: readonly string[]): string | null {
  const words = textOf(`/proc/${pid}/cmdline`).split('\0');
  if (!words.some((word) => APACHE_MAIN.test(word))) return null;
  const folder = linkOf(`/proc/${pid}/cwd`);
  for (const word of words.slice(1)) {
    if (places.includes(realPathOf(resolve(folder, word)))) return `is Apache ZooKeeper, started on ${word}`;
    if (!word.endsWith('.cfg') && !word.endsWith('.conf') && !word.endsWith('.properties')) continue;
    const named = textOf(resolve(folder, word)).matchAll(/^\s*(?:dataDir|dataLogDir)\s*[=:]\s*(.+?)\s*$/gm);
    for (const [, dir] of named) {
      if (dir !== undefined && places.includes(realPathOf(resolve(folder, dir))))
        return `is Apache ZooKeeper, started with ${word}`;
    }
  }
  return null;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
