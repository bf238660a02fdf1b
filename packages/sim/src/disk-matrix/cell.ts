import { type SimDisk, SimInode } from '@headkeeper/testkit';
import { CONFIG_DIR, DATA_DIR, LOG_DIR } from '../node/node-settings.ts';

/** The same as in the matrix with real servers (`interop/chaos/damage.ts`). */
export const BLOCK_BYTES = 4096;

const FOLDERS: readonly string[] = [DATA_DIR, LOG_DIR, CONFIG_DIR];

/** A file of a server's disk with something in it. */
export interface UsedFile {
  readonly path: string;
  /** Up to the last byte that is not zero: logs are longer than what is in them. */
  readonly usedBytes: number;
}

export const FAULTS = ['zeros', 'junk', 'EIO', 'ENOSPC'] as const;
export type Fault = (typeof FAULTS)[number];

/** `mending`: a follower whose history was damaged, and whose power failed in the middle of being given it back. */
export const ROLES = ['leader', 'follower', 'mending'] as const;
export type Role = (typeof ROLES)[number];

/**
 * When the fault comes, and who starts then: `alone`: while the server is down and the others go on; `together`: while all are down;
 * `behind`: while all are down, and the first one to start with it is a server that lacks what was written last; `running`: while all
 * run.
 */
export type Moment = 'alone' | 'together' | 'behind' | 'running';

/** A running server has in memory what decays on its disk: it meets that at its next start. One that is being mended does not run. */
const MOMENTS: Readonly<Record<Fault, readonly Moment[]>> = {
  zeros: ['alone', 'together', 'behind'],
  junk: ['alone', 'together', 'behind'],
  EIO: ['alone', 'together', 'behind', 'running'],
  ENOSPC: ['alone', 'running'],
};

export interface Cell {
  readonly role: Role;
  readonly file: UsedFile;
  readonly block: number;
  readonly fault: Fault;
  readonly moment: Moment;
}

/** Such as `leader/log.200000001/2/zeros/together`. */
export function nameOf({ role, file, block, fault, moment }: Cell): string {
  const isAside = kindOf(file.path) === SET_ASIDE;
  return [role, isAside ? `aside-${baseOf(file.path)}` : baseOf(file.path), block, fault, moment].join('/');
}

/** Every file of a disk, by its path. */
export function usedFiles(disk: SimDisk): UsedFile[] {
  return FOLDERS.flatMap((folder) => filesBelow(disk, folder)).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function filesBelow(disk: SimDisk, folder: string): UsedFile[] {
  return [...disk.durableFiles(folder)].flatMap(([name, entry]) => {
    const path = `${folder}/${name}`;
    // A name whose removal no sync has covered yet is none.
    if (!disk.existsSync(path)) return [];
    if (!(entry instanceof SimInode)) return filesBelow(disk, path);
    return entry.usedLength > 0 ? [{ path, usedBytes: entry.usedLength }] : [];
  });
}

export function cellsOf(role: Role, files: readonly UsedFile[]): Cell[] {
  return files.flatMap((file) =>
    Array.from({ length: Math.ceil(file.usedBytes / BLOCK_BYTES) }, (_, block) =>
      FAULTS.flatMap((fault) => momentsOf(role, fault).map((moment) => ({ role, file, block, fault, moment }))),
    ).flat(),
  );
}

function momentsOf(role: Role, fault: Fault): readonly Moment[] {
  return MOMENTS[fault].filter((moment) => role !== 'mending' || moment === 'alone' || moment === 'together');
}

/** What kind of file it is, also under the name that it has while it is written. */
export function kindOf(path: string): string {
  if (path.includes('/version-2.damaged-')) return SET_ASIDE;
  const name = baseOf(path).replace(/\.tmp$/, '');
  if (name === 'spare-log') return 'log';
  if (name.startsWith('tmp-snapshot-')) return 'snapshot';
  return name.replace(/^(log|snapshot|zoo\.cfg\.dynamic)\..*/, '$1');
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const SET_ASIDE = 'set aside';
const BY_HAND = 'only an operator writes it';
const ONCE = 'it is written once, when the directory begins';
const UNWRITTEN: Readonly<Record<string, string>> = {
  [SET_ASIDE]: 'what was set aside stays as it is',
  myid: BY_HAND,
  'headkeeper.session-key': ONCE,
  'headkeeper.origin': ONCE,
  'zoo.cfg.bak': 'it is written once, when the members are taken out of zoo.cfg',
};

/** Why a server never comes to write a file; null where it does. */
export function reasonUnwritten(path: string): string | null {
  return UNWRITTEN[kindOf(path)] ?? null;
}
