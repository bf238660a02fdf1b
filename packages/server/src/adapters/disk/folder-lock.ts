import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** A folder that this process holds alone. */
export interface FolderLock {
  release(): void;
}

/** Another live process holds the folder. */
export class FolderInUse extends Error {
  readonly folder: string;
  readonly pid: number;

  constructor(folder: string, pid: number, host: string) {
    super(
      `${folder} is in use by Headkeeper process ${pid} on ${host}. Two servers on one directory would destroy it: stop ` +
        `that process, or give this server a directory of its own. If no such process exists, remove ${lockPath(folder)}.`,
    );
    this.name = 'FolderInUse';
    this.folder = folder;
    this.pid = pid;
  }
}

interface Holder {
  readonly pid: number;
  /** When the process started, in the kernel's ticks, so that a process id used again is told apart; '' if unknown. */
  readonly started: string;
  /** Changes with every boot; '' if unknown. */
  readonly boot: string;
  readonly host: string;
}

const LOCK_NAME = 'headkeeper.lock';
const ATTEMPTS = 5;

/**
 * Takes the folder for this process, by a file `headkeeper.lock` that names it. A lock whose process is gone (no such
 * process, another one with its id, or an earlier boot of the machine) is taken over. The file is a lock among processes
 * that see each other's ids: containers that share a folder but nothing else are not kept apart.
 *
 * Throws `FolderInUse`, or the operating system's error. Apache ZooKeeper takes no lock and heeds none.
 */
export function lockFolder(folder: string): FolderLock {
  const path = lockPath(folder);
  const own = JSON.stringify(describeSelf());
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (createWhole(path, own)) return { release: () => removeIfHolds(path, own) };
    const found = readIfThere(path);
    if (found === null) continue;
    const holder = parseHolder(found);
    if (holder !== null && isAlive(holder)) throw new FolderInUse(folder, holder.pid, holder.host);
    removeIfHolds(path, found);
  }
  throw new Error(`${path} changes all the time: other processes are starting on the same directory`);
}

/** The live process that holds the folder, or null; takes nothing and changes nothing. */
export function lockHolder(folder: string): { readonly pid: number; readonly host: string } | null {
  const found = readIfThere(lockPath(folder));
  const holder = found === null ? null : parseHolder(found);
  return holder !== null && isAlive(holder) ? { pid: holder.pid, host: holder.host } : null;
}

function lockPath(folder: string): string {
  return `${folder}/${LOCK_NAME}`;
}

/** Makes the file with all its contents at once; false when there is one already. */
function createWhole(path: string, text: string): boolean {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o640 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** Removes the file if it holds this text. It is moved aside first, so that a lock taken meanwhile is seen and put back. */
function removeIfHolds(path: string, text: string): void {
  const aside = `${path}.${process.pid}.old`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readIfThere(aside) !== text) {
    try {
      linkSync(aside, path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
  unlinkSync(aside);
}

function describeSelf(): Holder {
  return { pid: process.pid, started: startOf(process.pid), boot: bootId(), host: hostname() };
}

function isAlive(holder: Holder): boolean {
  const boot = bootId();
  if (boot !== '' && holder.boot !== '' && boot !== holder.boot) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  const started = startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

/** Field 22 of Linux' /proc/<pid>/stat; the second, a name in parentheses, may hold anything. */
function startOf(pid: number): string {
  const text = readIfThere(`/proc/${pid}/stat`);
  if (text === null) return '';
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function bootId(): string {
  return readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

function parseHolder(text: string): Holder | null {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found !== 'object' || found === null) return null;
    const { pid, started, boot, host } = found as Partial<Record<keyof Holder, unknown>>;
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null;
    return { pid, started: textOf(started), boot: textOf(boot), host: textOf(host) };
  } catch {
    return null;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return null;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
