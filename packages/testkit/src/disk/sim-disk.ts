import type { Disk, DiskFile, DiskSource } from '@headkeeper/server/internal';
import { SeededRandom } from './seeded-random.ts';
import { type Entry, SimFolder } from './sim-folder.ts';
import { type CrashKind, type RotKind, SimInode } from './sim-inode.ts';

type Done = (error: Error | null) => void;

export type DiskOperation = 'write' | 'sync' | 'truncate' | 'create' | 'makeFolder' | 'rename' | 'remove' | 'syncDir';

/** Thrown by every call once the disk has crashed: the process that makes it is dead. */
export class SimulatedCrash extends Error {
  constructor() {
    super('the machine has crashed');
    this.name = 'SimulatedCrash';
  }
}

/** An error as node:fs makes them. */
export class SimulatedDiskError extends Error {
  readonly code: string;

  constructor(code: string, operation: string, path: string) {
    super(`${code}: simulated, ${operation} '${path}'`);
    this.name = 'SimulatedDiskError';
    this.code = code;
  }
}

/** What becomes of a write: it fails with ENOSPC; or it succeeds, and the disk never writes it, or writes it to another place. */
export type WriteFault = 'full' | 'lost' | { readonly path: string; readonly position: number };

/** A disk as it was at some moment, to be put back. */
export interface DiskImage {
  readonly root: SimFolder;
}

interface Injection {
  readonly operation: DiskOperation;
  left: number;
  readonly code: string;
}

interface OpenFile {
  /** Its present name. */
  path: string;
  readonly inode: SimInode;
}

/**
 * The twin of a disk: deterministic, in memory, with cached and durable contents for every file and every folder.
 *
 * Fault model. A write becomes durable by a successful `dataSync` that began after the write was done; a name by a
 * `syncDir`; nothing else makes anything durable. A crash leaves, of each 512-byte sector written since, any content it had
 * (`torn`), the durable one (`lose`) or the newest (`keep`), and likewise of each length and each change of names, in any
 * combination. Asynchronous calls take effect and complete later, in an order drawn from the seed, when `step` or `run` is
 * called; calls submitted together execute in any order. A failed sync drops what it should have made durable.
 *
 * What is worse comes only on request: `rot` and `makeUnreadable`, writes that are lost or go elsewhere (`writeFault`), syncs
 * that lie (`lyingSync`), disks that are full (`capacity`) or brought back (`bringBack`).
 *
 * Misuse is thrown as an error: overlapping writes under way at a time, and bytes changed before their write was done.
 */
export class SimDisk implements Disk {
  /** Makes every dataSync a lie: it reports success and nothing becomes durable. */
  ignoreSync = false;
  /** Makes every syncDir a lie. */
  ignoreSyncDir = false;
  /** While it is set syncs of files promise what only an honest one makes true: a crash that does not keep everything undoes it. */
  lyingSync = false;
  /** Whether reads show the old contents behind a failed sync, and not those that were to be written. */
  dropsFailedPages = false;
  /** Asked before each write; null: nothing happens to it. */
  writeFault: ((path: string, position: number, length: number) => WriteFault | null) | null = null;
  /** Bytes that files may hold together; a write beyond fails with ENOSPC after writing what fits. */
  capacity: number = Number.POSITIVE_INFINITY;
  /** Called when a write is refused for want of room. */
  refused: (() => void) | null = null;
  /** Called before each operation that changes the disk takes effect, with its number, from 1, and how many bytes it writes. */
  beforeOperation: ((count: number, operation: DiskOperation, path: string, bytes: number) => void) | null = null;
  #random: SeededRandom;
  #root: SimFolder = new SimFolder();
  readonly #parts: Map<string, readonly string[]> = new Map();
  #tasks: (() => void)[] = [];
  #operations = 0;
  #crashAt = 0;
  #crashed = false;
  #injections: Injection[] = [];
  /** Changes whenever something may have become durable, or stopped being so. */
  durableVersion = 0;
  /** Counts the lives of the machine: files opened in an earlier one are dead. */
  #life = 0;
  readonly #openFiles: Set<OpenFile> = new Set();
  #hasLied = false;

  constructor(seed = 1) {
    this.#random = new SeededRandom(seed);
  }

  /** Operations so far that changed the disk or tried to. */
  get operations(): number {
    return this.#operations;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Calls under way. */
  get pending(): number {
    return this.#tasks.length;
  }

  /** The operation of this number, counted as `operations` is, does not happen: the machine stops before it. */
  crashAt(operation: number): void {
    this.#crashAt = operation;
  }

  /** The `nth` operation of this kind from now on fails, by node's error code. */
  failOn(operation: DiskOperation, nth: number, code: string): void {
    this.#injections.push({ operation, left: nth, code });
  }

  /** Executes or completes one asynchronous call; whether there was one. */
  step(): boolean {
    if (this.#crashed || this.#tasks.length === 0) return false;
    const at = this.#random.below(this.#tasks.length);
    const task = this.#tasks[at] as () => void;
    this.#tasks.splice(at, 1);
    task();
    return true;
  }

  /** Steps until nothing is under way. */
  run(): void {
    while (this.step()) {
      // Each step may submit more.
    }
  }

  /** Cuts the power and boots again: calls under way never complete, open files are dead, faults are forgotten. */
  crash(kind: CrashKind, seed = 1): void {
    this.#tasks = [];
    this.#openFiles.clear();
    this.durableVersion++;
    this.#root.crash(kind, new SeededRandom(seed));
    this.#crashed = false;
    this.#crashAt = 0;
    this.#injections = [];
    this.#life++;
  }

  /** A new disk in the place of the old one. */
  wipe(): void {
    this.crash('lose');
    this.#root = new SimFolder();
    this.durableVersion++;
  }

  /** Ends the process alone: calls under way never complete, open files are dead, what was written is still there. */
  endProcess(): void {
    this.#tasks = [];
    this.#openFiles.clear();
    this.#root.endProcess();
    this.#crashed = false;
    this.#crashAt = 0;
    this.#injections = [];
    this.#life++;
  }

  /** Whether a crash would leave everything as it is. */
  get isClean(): boolean {
    return this.#root.isClean;
  }

  /**
   * The files that any crash leaves in a folder, by name; empty when it would not leave the folder. Another map whenever the
   * names, or what they name, have changed.
   */
  durableFiles(path: string): ReadonlyMap<string, Entry> {
    let folder: SimFolder = this.#root;
    for (const part of this.#partsOf(path)) {
      const next = folder.durable.get(part);
      if (!(next instanceof SimFolder)) return new Map();
      folder = next;
    }
    return folder.durable;
  }

  /** Lets bytes of a file decay, as far as the file goes; in the cache as well unless it has them (`isCached`). */
  rot(path: string, start: number, end: number, kind: RotKind, seed: number, isCached = false): void {
    this.#file(path).rot(start, end, kind, new SeededRandom(seed), isCached);
  }

  /** Reads of the sectors with these bytes fail with EIO, until they are written anew. */
  makeUnreadable(path: string, start: number, end: number): void {
    this.#file(path).makeUnreadable(start, end);
  }

  /** Everything can be read again, and is what it was. */
  becomeReadable(): void {
    for (const inode of this.#root.inodes()) inode.becomeReadable();
  }

  /** Whether any file of a folder, or below, holds what nobody has written there, or cannot be read. */
  isFaulty(folder: string): boolean {
    const found = this.#find(folder);
    if (!(found instanceof SimFolder)) return false;
    for (const inode of found.inodes()) if (inode.isFaulty) return true;
    return false;
  }

  /**
   * Promises that reads show to be broken are promises no longer: what is there counts as made durable. For whoever compares
   * a disk's promises with what a program says, before that program looks at the disk again. Whether there were any.
   */
  admit(): boolean {
    let any = false;
    for (const inode of this.#root.inodes()) if (inode.admit()) any = true;
    if (any) this.durableVersion++;
    return any;
  }

  /** Whether a crash may show that the disk has not kept what it promised, where reads do not show it now. */
  get isHiding(): boolean {
    for (const inode of this.#root.inodes()) if (inode.isHiding) return true;
    return false;
  }

  /** Whether a crash may undo what syncs have promised. */
  get isUnflushed(): boolean {
    for (const inode of this.#root.inodes()) if (inode.isUnflushed) return true;
    return false;
  }

  /** The disk as a crash that loses everything unsynced would leave it. */
  photograph(): DiskImage {
    const root = this.#root.clone(new Map());
    root.crash('lose', new SeededRandom(0));
    return { root };
  }

  /** The power is cut and the old disk is put in; it can be put in again. */
  bringBack(image: DiskImage): void {
    this.crash('lose');
    this.#root = image.root.clone(new Map());
    this.durableVersion++;
  }

  /** A copy of the disk in its present state, without the calls under way and the faults to come. */
  fork(seed = 1): SimDisk {
    const copy = new SimDisk(seed);
    copy.#root = this.#root.clone(new Map());
    copy.ignoreSync = this.ignoreSync;
    copy.ignoreSyncDir = this.ignoreSyncDir;
    copy.capacity = this.capacity;
    return copy;
  }

  existsSync(path: string): boolean {
    this.#assertAlive();
    return this.#find(path) !== null;
  }

  listSync(folder: string): string[] {
    this.#assertAlive();
    return [...this.#folder(folder).entries.keys()];
  }

  makeFolderSync(path: string): void {
    this.#begin('makeFolder', path);
    const { folder, name } = this.#place(path);
    if (folder.entries.has(name)) throw new SimulatedDiskError('EEXIST', 'mkdir', path);
    folder.add(name, new SimFolder());
  }

  openReadSync(path: string): DiskSource {
    this.#assertAlive();
    const inode = this.#file(path);
    return {
      size: inode.length,
      readSync: (target, start, end, position) => {
        this.#assertAlive();
        if (inode.isUnreadable(position, end - start)) throw new SimulatedDiskError('EIO', 'read', path);
        return inode.read(target.subarray(start, end), position);
      },
      closeSync: () => this.#assertAlive(),
    };
  }

  createSync(path: string): DiskFile {
    this.#begin('create', path);
    const { folder, name } = this.#place(path);
    const found = folder.entries.get(name);
    if (found instanceof SimFolder) throw new SimulatedDiskError('EISDIR', 'open', path);
    const inode = found ?? new SimInode();
    if (found === undefined) folder.add(name, inode);
    else inode.truncate(0);
    return this.#open(path, inode);
  }

  openWriteSync(path: string): DiskFile {
    this.#assertAlive();
    return this.#open(path, this.#file(path));
  }

  renameSync(from: string, to: string): void {
    this.#begin('rename', from);
    const source = this.#place(from);
    const target = this.#place(to);
    const entry = source.folder.entries.get(source.name);
    if (entry === undefined) throw new SimulatedDiskError('ENOENT', 'rename', from);
    if (source.folder !== target.folder) throw new Error('the twin renames within a folder only');
    source.folder.rename(source.name, target.name, entry);
    for (const file of this.#openFiles) if (file.inode === entry) file.path = to;
  }

  removeSync(path: string): void {
    this.#begin('remove', path);
    this.#remove(path);
  }

  remove(path: string, done: Done): void {
    this.#assertAlive();
    this.#submit(() => {
      this.#begin('remove', path);
      this.#remove(path);
    }, done);
  }

  syncDirSync(folder: string): void {
    this.#begin('syncDir', folder);
    const found = this.#folder(folder);
    this.durableVersion++;
    if (!this.ignoreSyncDir) found.sync();
  }

  syncDir(folder: string, done: Done): void {
    this.#assertAlive();
    this.#submit(() => this.syncDirSync(folder), done);
  }

  /** Executes now or later, completes later still. */
  #submit(effect: () => void, done: Done): void {
    this.#tasks.push(() => {
      let failure: Error | null = null;
      try {
        effect();
      } catch (error) {
        if (!(error instanceof SimulatedDiskError)) throw error;
        failure = error;
      }
      this.#tasks.push(() => done(failure));
    });
  }

  /** Counts the operation, and lets it crash or fail. */
  #begin(operation: DiskOperation, path: string, bytes = 0): void {
    this.#assertAlive();
    this.#operations++;
    if (this.#operations === this.#crashAt) {
      this.#crashed = true;
      this.#tasks = [];
      throw new SimulatedCrash();
    }
    this.beforeOperation?.(this.#operations, operation, path, bytes);
    for (const injection of this.#injections) {
      if (injection.operation !== operation || --injection.left !== 0) continue;
      throw new SimulatedDiskError(injection.code, operation, path);
    }
  }

  #assertAlive(): void {
    if (this.#crashed) throw new SimulatedCrash();
  }

  #open(path: string, inode: SimInode): DiskFile {
    const file: OpenFile = { path, inode };
    this.#openFiles.add(file);
    const life = this.#life;
    let closed = false;
    const use = (): void => {
      this.#assertAlive();
      if (life !== this.#life) throw new SimulatedCrash();
      if (closed) throw new SimulatedDiskError('EBADF', 'use', file.path);
    };
    let underWay = 0;
    const submit = (effect: () => void, done: Done): void => {
      use();
      underWay++;
      this.#submit(effect, (error) => {
        underWay--;
        done(error);
      });
    };
    return {
      writeSync: (bytes, start, end, position) => {
        use();
        this.#write(file, bytes.subarray(start, end), position);
      },
      write: (bytes, start, end, position, done) => {
        const content = bytes.subarray(start, end);
        const before = content.slice();
        const range = { start: position, end: position + content.length };
        this.#claim(file, range);
        submit(() => {
          inode.writing.delete(range);
          if (!sameBytes(before, content)) throw new Error(`bytes changed before they were written to ${file.path}`);
          this.#write(file, content, position);
        }, done);
      },
      dataSyncSync: () => {
        use();
        this.#sync(file, inode.sequence);
      },
      dataSync: (done) => {
        const mark = inode.sequence;
        submit(() => this.#sync(file, mark), done);
      },
      truncateSync: (length) => {
        use();
        this.#begin('truncate', file.path);
        inode.truncate(length);
      },
      closeSync: () => {
        use();
        if (underWay > 0) throw new Error(`${file.path} closed with ${underWay} calls under way`);
        closed = true;
        this.#openFiles.delete(file);
      },
    };
  }

  #claim(file: OpenFile, range: { start: number; end: number }): void {
    for (const other of file.inode.writing) {
      if (other.start < range.end && range.start < other.end) throw new Error(`overlapping writes to ${file.path}`);
    }
    file.inode.writing.add(range);
  }

  #write(file: OpenFile, bytes: Uint8Array, position: number): void {
    this.#begin('write', file.path, bytes.length);
    const growth = position + bytes.length - file.inode.length;
    const room = this.capacity - this.#bytesHeld();
    if (growth <= room) {
      const fault = this.writeFault?.(file.path, position, bytes.length) ?? null;
      if (fault === 'full') this.#refuse(file);
      file.inode.write(bytes, position, fault !== null);
      if (fault !== null && fault !== 'lost') this.#file(fault.path).overwrite(bytes, fault.position);
      return;
    }
    const fits = bytes.length - (growth - room);
    if (fits > 0) file.inode.write(bytes.subarray(0, fits), position);
    this.#refuse(file);
  }

  #refuse({ path }: OpenFile): never {
    this.refused?.();
    throw new SimulatedDiskError('ENOSPC', 'write', path);
  }

  #sync(file: OpenFile, mark: number): void {
    try {
      this.#begin('sync', file.path);
    } catch (error) {
      if (error instanceof SimulatedDiskError) {
        if (this.dropsFailedPages) file.inode.dropDirty();
        else file.inode.forgetDirty();
      }
      throw error;
    }
    this.durableVersion++;
    if (this.ignoreSync) return;
    file.inode.sync(mark, this.lyingSync);
    if (this.lyingSync) this.#hasLied = true;
    else if (this.#hasLied) this.#flush();
  }

  /** An honest sync empties the cache of the disk itself. */
  #flush(): void {
    this.#hasLied = false;
    for (const inode of this.#root.inodes()) inode.flushed();
  }

  #bytesHeld(): number {
    if (this.capacity === Number.POSITIVE_INFINITY) return 0;
    return this.bytesHeld;
  }

  /** Bytes that files hold together. */
  get bytesHeld(): number {
    const sum = (folder: SimFolder): number => {
      let total = 0;
      for (const entry of folder.entries.values()) total += entry instanceof SimFolder ? sum(entry) : entry.length;
      return total;
    };
    return sum(this.#root);
  }

  #remove(path: string): void {
    const { folder, name } = this.#place(path);
    const entry = folder.entries.get(name);
    if (entry === undefined) throw new SimulatedDiskError('ENOENT', 'unlink', path);
    if (entry instanceof SimFolder) throw new SimulatedDiskError('EISDIR', 'unlink', path);
    folder.remove(name);
  }

  /** The same paths are looked up again and again. */
  #partsOf(path: string): readonly string[] {
    let parts = this.#parts.get(path);
    if (parts === undefined) {
      parts = path.split('/').filter((part) => part !== '');
      this.#parts.set(path, parts);
    }
    return parts;
  }

  #find(path: string): Entry | null {
    let entry: Entry = this.#root;
    for (const part of this.#partsOf(path)) {
      const next: Entry | undefined = entry instanceof SimFolder ? entry.entries.get(part) : undefined;
      if (next === undefined) return null;
      entry = next;
    }
    return entry;
  }

  #folder(path: string): SimFolder {
    const entry = this.#find(path);
    if (entry === null) throw new SimulatedDiskError('ENOENT', 'open', path);
    if (!(entry instanceof SimFolder)) throw new SimulatedDiskError('ENOTDIR', 'open', path);
    return entry;
  }

  #file(path: string): SimInode {
    const entry = this.#find(path);
    if (entry === null) throw new SimulatedDiskError('ENOENT', 'open', path);
    if (entry instanceof SimFolder) throw new SimulatedDiskError('EISDIR', 'open', path);
    return entry;
  }

  #place(path: string): { folder: SimFolder; name: string } {
    const slash = path.lastIndexOf('/');
    return { folder: this.#folder(path.slice(0, slash)), name: path.slice(slash + 1) };
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
