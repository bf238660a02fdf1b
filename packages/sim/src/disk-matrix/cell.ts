import { type SimDisk, SimInode } from '@headkeeper/testkit';
import { CONFIG_DIR, DATA_DIR, LOG_DIR } from '../node/node-settings.ts';

/** The same as in the matrix with real servers (`interop/chaos/damage.ts`). */
export const BLOCK_BYTES = 4096;

const FOLDERS: readonly string[] = [DATA_DIR, `${DATA_DIR}/version-2`, LOG_DIR, `${LOG_DIR}/version-2`, CONFIG_DIR];

/** A file of a server's disk with something in it. */
export interface UsedFile {
  readonly path: string;
  /** Up to the last byte that is not zero: logs are longer than what is in them. */
  readonly usedBytes: number;
}

export const FAULTS = ['zeros', 'junk', 'EIO', 'ENOSPC'] as const;
export type Fault = (typeof FAULTS)[number];

export const ROLES = ['leader', 'follower'] as const;
export type Role = (typeof ROLES)[number];

/**
 * When the fault comes, and who starts then: `alone`: while the server is down and the others go on; `together`: while all are down;
 * `behind`: while all are down, and the first one to start with it is a server that lacks what was written last; `running`: while all
 * run.
 */
export type Moment = 'alone' | 'together' | 'behind' | 'running';

/** A running server has in memory what decays on its disk: it meets that at its next start. */
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
  return [role, baseOf(file.path), block, fault, moment].join('/');
}

/** Every file of a disk, by its path. */
export function usedFiles(disk: SimDisk): UsedFile[] {
  return FOLDERS.flatMap((folder) =>
    [...disk.durableFiles(folder)]
      .flatMap(([name, entry]) => {
        const usedBytes = entry instanceof SimInode ? entry.usedLength : 0;
        // A name whose removal no sync has covered yet is none.
        return usedBytes > 0 && disk.existsSync(`${folder}/${name}`) ? [{ path: `${folder}/${name}`, usedBytes }] : [];
      })
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  );
}

export function cellsOf(role: Role, files: readonly UsedFile[]): Cell[] {
  return files.flatMap((file) =>
    Array.from({ length: Math.ceil(file.usedBytes / BLOCK_BYTES) }, (_, block) =>
      FAULTS.flatMap((fault) => MOMENTS[fault].map((moment) => ({ role, file, block, fault, moment }))),
    ).flat(),
  );
}

/** What kind of file it is, also under the name that it has while it is written. */
export function kindOf(path: string): string {
  const name = baseOf(path).replace(/\.tmp$/, '');
  if (name === 'spare-log') return 'log';
  if (name.startsWith('tmp-snapshot-')) return 'snapshot';
  return name.replace(/^(log|snapshot|zoo\.cfg\.dynamic)\..*/, '$1');
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const BY_HAND = 'the server never writes it: it is the operator’s';
const ONCE = 'it is written once, by who begins the directory';
const UNWRITTEN: Readonly<Record<string, string>> = {
  myid: BY_HAND,
  'headkeeper.session-key': ONCE,
  'headkeeper.origin': ONCE,
  'zoo.cfg.bak': 'it is written once, when the members are taken out of zoo.cfg',
};

/** Why a server never comes to write a file; null where it does. */
export function reasonUnwritten(path: string): string | null {
  return UNWRITTEN[kindOf(path)] ?? null;
}
