import { createNodeDisk, type Disk, type HistoryFolders } from '@headkeeper/server/internal';
import { type ProgressOptions, startProgress } from '../../progress.ts';

/** What passes while a piece of work is done. */
export interface Traffic {
  readBytes: number;
  writtenBytes: number;
  /** Told whenever one of them has grown. */
  changed: () => void;
}

/** A disk that counts the bytes that are read from files and written into new ones. */
export function countingDisk(disk: Disk, traffic: Traffic): Disk {
  return {
    ...disk,
    openReadSync(path) {
      const source = disk.openReadSync(path);
      return {
        size: source.size,
        readSync(target, start, end, position) {
          const count = source.readSync(target, start, end, position);
          traffic.readBytes += count;
          traffic.changed();
          return count;
        },
        closeSync: () => source.closeSync(),
      };
    },
    createSync(path, secret) {
      const file = disk.createSync(path, secret);
      return {
        writeSync(bytes, start, end, position) {
          file.writeSync(bytes, start, end, position);
          traffic.writtenBytes += end - start;
          traffic.changed();
        },
        write: (bytes, start, end, position, done) => file.write(bytes, start, end, position, done),
        dataSyncSync: () => file.dataSyncSync(),
        dataSync: (done) => file.dataSync(done),
        truncateSync: (length) => file.truncateSync(length),
        closeSync: () => file.closeSync(),
      };
    },
  };
}

const traffic: Traffic = { readBytes: 0, writtenBytes: 0, changed: () => {} };

/** The disk of this machine, whose traffic `working` shows. */
export const disk: Disk = countingDisk(createNodeDisk(), traffic);

/**
 * Shows the progress of a piece of work by the bytes that it reads or writes on `disk`, of an estimate of all.
 */
export function working<T>(
  title: string,
  what: 'readBytes' | 'writtenBytes',
  total: number,
  body: () => T,
  options: ProgressOptions = {},
): T {
  const progress = startProgress(title, 'bytes', total, options);
  const before = traffic[what];
  traffic.changed = () => progress.at(traffic[what] - before, Math.max(total, traffic[what] - before));
  try {
    return body();
  } finally {
    traffic.changed = () => {};
    progress.end();
  }
}

/** Bytes of the newest snapshot and of all logs: about what a start reads. */
export function startBytes({ snapshotFolder, logFolder }: HistoryFolders): number {
  const sizes = (folder: string, kind: RegExp): number[] =>
    disk
      .listSync(folder)
      .filter((name) => kind.test(name))
      .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
      .map((name) => sizeOf(`${folder}/${name}`));
  const newest = sizes(snapshotFolder, /^snapshot\.[0-9a-f]+/).at(-1) ?? 0;
  return sizes(logFolder, /^log\.[0-9a-f]+$/).reduce((sum, size) => sum + size, newest);
}

/** Bytes of a file; 0 when there is none. */
export function sizeOf(path: string): number {
  if (!disk.existsSync(path)) return 0;
  const source = disk.openReadSync(path);
  source.closeSync();
  return source.size;
}
