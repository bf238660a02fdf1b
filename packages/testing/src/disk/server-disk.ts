import type { Disk, DiskFile, DiskSource } from '@headkeeper/server/embedding';
import type { Gate } from '../gate.ts';
import { DiskError } from './disk-error.ts';

type Done = (error: Error | null) => void;

/** A failure of the disk that is to come. */
export interface DiskFault {
  /** What fails: writing into a file, or making its contents durable (`fdatasync`). */
  readonly operation: 'write' | 'sync';
  /** The error of the operating system. */
  readonly code: 'EIO' | 'ENOSPC';
  /** Operations of this kind that succeed before it. Default: 0, the next one fails. */
  readonly after?: number;
}

/**
 * The disk as one server sees it from its start to its end: answers come through the server's gate, faults come when they
 * were asked for, and what the server has open is closed when it is killed.
 */
export class ServerDisk implements Disk {
  readonly #disk: Disk;
  readonly #gate: Gate;
  readonly #faults: { readonly fault: DiskFault; left: number }[] = [];
  readonly #open: Set<DiskFile | DiskSource> = new Set();
  #underWay = 0;
  #whenIdle: (() => void) | null = null;

  constructor(disk: Disk, gate: Gate) {
    this.#disk = disk;
    this.#gate = gate;
  }

  fail(fault: DiskFault): void {
    this.#faults.push({ fault, left: fault.after ?? 0 });
  }

  /** The server has ended: waits for what is under way on threads, then closes what the server has left open. */
  async end(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    for (const file of this.#open) file.closeSync();
    this.#open.clear();
  }

  existsSync(path: string): boolean {
    return this.#disk.existsSync(path);
  }

  listSync(folder: string): string[] {
    return this.#disk.listSync(folder);
  }

  makeFolderSync(path: string): void {
    this.#disk.makeFolderSync(path);
  }

  openReadSync(path: string): DiskSource {
    const source = this.#disk.openReadSync(path);
    this.#open.add(source);
    return {
      size: source.size,
      readSync: (target, start, end, position) => source.readSync(target, start, end, position),
      closeSync: () => {
        this.#open.delete(source);
        source.closeSync();
      },
    };
  }

  createSync(path: string, secret?: boolean): DiskFile {
    return this.#watched(this.#disk.createSync(path, secret), path);
  }

  openWriteSync(path: string): DiskFile {
    return this.#watched(this.#disk.openWriteSync(path), path);
  }

  renameSync(from: string, to: string): void {
    this.#disk.renameSync(from, to);
  }

  removeSync(path: string): void {
    this.#disk.removeSync(path);
  }

  remove(path: string, done: Done): void {
    this.#begin((completed) => this.#disk.remove(path, completed), done);
  }

  syncDirSync(folder: string): void {
    this.#disk.syncDirSync(folder);
  }

  syncDir(folder: string, done: Done): void {
    this.#begin((completed) => this.#disk.syncDir(folder, completed), done);
  }

  #watched(file: DiskFile, path: string): DiskFile {
    this.#open.add(file);
    const fault = (operation: DiskFault['operation'], syscall: string): DiskError | null => {
      const code = this.#faultOf(operation);
      return code === null ? null : new DiskError(code, syscall, path);
    };
    return {
      writeSync: (bytes, start, end, position) => {
        const failure = fault('write', 'write');
        if (failure !== null) throw failure;
        file.writeSync(bytes, start, end, position);
      },
      write: (bytes, start, end, position, done) => {
        const failure = fault('write', 'write');
        this.#begin((completed) => {
          if (failure === null) file.write(bytes, start, end, position, completed);
          else queueMicrotask(() => completed(failure));
        }, done);
      },
      dataSyncSync: () => {
        const failure = fault('sync', 'fdatasync');
        if (failure !== null) throw failure;
        file.dataSyncSync();
      },
      dataSync: (done) => {
        const failure = fault('sync', 'fdatasync');
        this.#begin((completed) => {
          if (failure === null) file.dataSync(completed);
          else queueMicrotask(() => completed(failure));
        }, done);
      },
      truncateSync: (length) => file.truncateSync(length),
      closeSync: () => {
        this.#open.delete(file);
        file.closeSync();
      },
    };
  }

  #faultOf(operation: DiskFault['operation']): DiskFault['code'] | null {
    const at = this.#faults.findIndex(({ fault }) => fault.operation === operation);
    const next = this.#faults[at];
    if (next === undefined || next.left-- > 0) return null;
    this.#faults.splice(at, 1);
    return next.fault.code;
  }

  #begin(call: (completed: Done) => void, done: Done): void {
    this.#underWay++;
    call((error) => {
      this.#gate.pass(() => done(error));
      if (--this.#underWay === 0) this.#whenIdle?.();
    });
  }
}
