import {
  close,
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  open,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlink,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import type { Disk, DiskFile, DiskSource } from '../../ports.ts';

type Done = (error: Error | null) => void;

const FOLDER_MODE = 0o750;
const FILE_MODE = 0o640;
const SECRET_MODE = 0o600;

/**
 * The disk of this machine, over node:fs. New files get mode 0640 less the umask, secret ones 0600, folders 0750.
 *
 * Files are never opened for appending: positions are always given. A short write is continued until everything is
 * written or the operating system names an error.
 */
export function createNodeDisk(): Disk {
  return {
    existsSync: (path) => existsSync(path),
    listSync: (folder) => readdirSync(folder),
    makeFolderSync(path) {
      mkdirSync(path, { mode: FOLDER_MODE });
    },
    openReadSync: (path) => new NodeSource(path),
    createSync: (path, secret) => new NodeFile(openSync(path, 'w', secret === true ? SECRET_MODE : FILE_MODE), path),
    openWriteSync: (path) => new NodeFile(openSync(path, 'r+'), path),
    renameSync: replace,
    removeSync(path) {
      unlinkSync(path);
    },
    remove(path, done) {
      unlink(path, done);
    },
    syncDirSync(folder) {
      const handle = openSync(folder, 'r');
      try {
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
    },
    syncDir(folder, done) {
      open(folder, 'r', (openError, handle) => {
        if (openError !== null) return done(openError);
        fsync(handle, (syncError) => {
          close(handle, (closeError) => done(syncError ?? closeError ?? null));
        });
      });
    },
  };
}

/**
 * Renames. The file system takes back what a replaced file held when its last handle is closed, tens of milliseconds for a
 * large snapshot: so that this thread does not wait for it, one handle is closed by another.
 */
function replace(from: string, to: string): void {
  const replaced = openIfThere(to);
  try {
    renameSync(from, to);
  } finally {
    // Without a function of ours node would throw what this file's end says into the void, and end the process.
    if (replaced !== null) close(replaced, () => {});
  }
}

/** A handle; null also of a file that cannot be opened, which may be replaced all the same. */
function openIfThere(path: string): number | null {
  if (!existsSync(path)) return null;
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}

/** The same error with the name of the file, as it was when it was opened: of a handle the operating system tells none. */
function naming(error: unknown, path: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (!error.message.includes(path)) error.message += ` '${path}'`;
  return error;
}

class NodeFile implements DiskFile {
  readonly #handle: number;
  readonly #path: string;

  constructor(handle: number, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  writeSync(bytes: Uint8Array, start: number, end: number, position: number): void {
    while (start < end) {
      const count = this.#writePart(bytes, start, end, position);
      if (count === 0) throw new Error('the disk took no bytes and gave no reason');
      start += count;
      position += count;
    }
  }

  write(bytes: Uint8Array, start: number, end: number, position: number, done: Done): void {
    write(this.#handle, bytes, start, end - start, position, (error, count) => {
      if (error !== null) return done(naming(error, this.#path));
      if (count === end - start) return done(null);
      if (count === 0) return done(new Error('the disk took no bytes and gave no reason'));
      this.write(bytes, start + count, end, position + count, done);
    });
  }

  dataSyncSync(): void {
    try {
      fdatasyncSync(this.#handle);
    } catch (error) {
      throw naming(error, this.#path);
    }
  }

  dataSync(done: Done): void {
    fdatasync(this.#handle, (error) => done(error === null ? null : naming(error, this.#path)));
  }

  truncateSync(length: number): void {
    ftruncateSync(this.#handle, length);
  }

  closeSync(): void {
    closeSync(this.#handle);
  }

  #writePart(bytes: Uint8Array, start: number, end: number, position: number): number {
    try {
      return writeSync(this.#handle, bytes, start, end - start, position);
    } catch (error) {
      throw naming(error, this.#path);
    }
  }
}

class NodeSource implements DiskSource {
  readonly size: number;
  readonly #handle: number;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.#handle = openSync(path, 'r');
    this.size = fstatSync(this.#handle).size;
  }

  readSync(target: Uint8Array, start: number, end: number, position: number): number {
    try {
      return readSync(this.#handle, target, start, end - start, position);
    } catch (error) {
      throw naming(error, this.#path);
    }
  }

  closeSync(): void {
    closeSync(this.#handle);
  }
}
