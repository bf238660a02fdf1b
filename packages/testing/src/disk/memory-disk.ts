import type { Disk, DiskFile, DiskSource } from '@headkeeper/server/embedding';
import { DiskError } from './disk-error.ts';
import { MemoryFile } from './memory-file.ts';

type Done = (error: Error | null) => void;
type Entry = MemoryFile | Folder;

class Folder {
  readonly entries: Map<string, Entry> = new Map();
  /** The names that a cut of the power leaves. */
  durable: ReadonlyMap<string, Entry> = new Map();

  sync(): void {
    this.durable = new Map(this.entries);
  }

  lose(): void {
    this.entries.clear();
    for (const [name, entry] of this.durable) {
      this.entries.set(name, entry);
      entry.lose();
    }
  }
}

/**
 * A disk in memory, as fast as memory. It knows what is durable: contents after `dataSync`, names after `syncDir`.
 * Asynchronous calls take effect at once and complete after the present one.
 */
export class MemoryDisk implements Disk {
  readonly #root: Folder = new Folder();

  /** Cuts the power: what was not made durable is gone. */
  lose(): void {
    this.#root.lose();
  }

  existsSync(path: string): boolean {
    return this.#find(path) !== null;
  }

  listSync(folder: string): string[] {
    return [...this.#folder(folder, 'scandir').entries.keys()];
  }

  makeFolderSync(path: string): void {
    const { folder, name } = this.#place(path, 'mkdir');
    if (folder.entries.has(name)) throw new DiskError('EEXIST', 'mkdir', path);
    folder.entries.set(name, new Folder());
  }

  openReadSync(path: string): DiskSource {
    const file = this.#file(path);
    return {
      size: file.length,
      readSync: (target, start, end, position) => file.read(target, start, end, position),
      closeSync: () => {},
    };
  }

  createSync(path: string): DiskFile {
    const { folder, name } = this.#place(path, 'open');
    const found = folder.entries.get(name);
    if (found instanceof Folder) throw new DiskError('EISDIR', 'open', path);
    const file = found ?? new MemoryFile();
    if (found === undefined) folder.entries.set(name, file);
    else file.truncate(0);
    return new OpenFile(file, path);
  }

  openWriteSync(path: string): DiskFile {
    return new OpenFile(this.#file(path), path);
  }

  renameSync(from: string, to: string): void {
    const source = this.#place(from, 'rename');
    const target = this.#place(to, 'rename');
    const entry = source.folder.entries.get(source.name);
    if (entry === undefined) throw new DiskError('ENOENT', 'rename', from);
    source.folder.entries.delete(source.name);
    target.folder.entries.set(target.name, entry);
  }

  removeSync(path: string): void {
    const { folder, name } = this.#place(path, 'unlink');
    const entry = folder.entries.get(name);
    if (entry === undefined) throw new DiskError('ENOENT', 'unlink', path);
    if (entry instanceof Folder) throw new DiskError('EISDIR', 'unlink', path);
    folder.entries.delete(name);
  }

  remove(path: string, done: Done): void {
    later(() => this.removeSync(path), done);
  }

  syncDirSync(folder: string): void {
    this.#folder(folder, 'fsync').sync();
  }

  syncDir(folder: string, done: Done): void {
    later(() => this.syncDirSync(folder), done);
  }

  #find(path: string): Entry | null {
    let entry: Entry = this.#root;
    for (const part of path.split('/')) {
      if (part === '') continue;
      const next: Entry | undefined = entry instanceof Folder ? entry.entries.get(part) : undefined;
      if (next === undefined) return null;
      entry = next;
    }
    return entry;
  }

  #folder(path: string, syscall: string): Folder {
    const entry = this.#find(path);
    if (entry === null) throw new DiskError('ENOENT', syscall, path);
    if (!(entry instanceof Folder)) throw new DiskError('ENOTDIR', syscall, path);
    return entry;
  }

  #file(path: string): MemoryFile {
    const entry = this.#find(path);
    if (entry === null) throw new DiskError('ENOENT', 'open', path);
    if (entry instanceof Folder) throw new DiskError('EISDIR', 'open', path);
    return entry;
  }

  #place(path: string, syscall: string): { folder: Folder; name: string } {
    const slash = path.lastIndexOf('/');
    return { folder: this.#folder(path.slice(0, slash), syscall), name: path.slice(slash + 1) };
  }
}

class OpenFile implements DiskFile {
  readonly #file: MemoryFile;
  readonly #path: string;
  #isClosed = false;

  constructor(file: MemoryFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  writeSync(bytes: Uint8Array, start: number, end: number, position: number): void {
    this.#use('write').write(bytes, start, end, position);
  }

  write(bytes: Uint8Array, start: number, end: number, position: number, done: Done): void {
    later(() => this.writeSync(bytes, start, end, position), done);
  }

  dataSyncSync(): void {
    this.#use('fdatasync').sync();
  }

  dataSync(done: Done): void {
    later(() => this.dataSyncSync(), done);
  }

  truncateSync(length: number): void {
    this.#use('ftruncate').truncate(length);
  }

  closeSync(): void {
    this.#use('close');
    this.#isClosed = true;
  }

  #use(syscall: string): MemoryFile {
    if (this.#isClosed) throw new DiskError('EBADF', syscall, this.#path);
    return this.#file;
  }
}

/** Does it, and tells of it once the caller has returned. */
function later(effect: () => void, done: Done): void {
  let failure: Error | null = null;
  try {
    effect();
  } catch (error) {
    failure = error as Error;
  }
  queueMicrotask(() => done(failure));
}
