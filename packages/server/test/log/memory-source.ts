import type { LogFile, RecoverySource, SnapshotFile } from '../../src/core/log/recovery-source.ts';
import { passesQuickCheck } from '../../src/core/log/snapshot-decoder.ts';

/** A data directory in memory. Chunks share one buffer, as those of a real source do. */
export class MemorySource implements RecoverySource {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly #buffer: Uint8Array;

  constructor(files: ReadonlyMap<string, Uint8Array> | Record<string, Uint8Array>, chunkBytes = 4096) {
    this.files = files instanceof Map ? files : new Map(Object.entries(files));
    this.#buffer = new Uint8Array(chunkBytes);
  }

  snapshots(): SnapshotFile[] {
    return this.#named('snapshot.').map((name) => ({ name, zxid: zxidOfName(name), compression: '' as const }));
  }

  logs(): LogFile[] {
    return this.#named('log.').map((name) => ({ name, zxid: zxidOfName(name), size: this.#file(name).length }));
  }

  quickCheck(name: string): boolean {
    const bytes = this.#file(name);
    return passesQuickCheck('', bytes.length, bytes.subarray(0, 8), bytes.subarray(-5));
  }

  readSnapshot(name: string, onChunk: (bytes: Uint8Array) => void): void {
    this.#read(name, onChunk);
  }

  readLog(name: string, onChunk: (bytes: Uint8Array) => void): void {
    this.#read(name, onChunk);
  }

  #read(name: string, onChunk: (bytes: Uint8Array) => void): void {
    const bytes = this.#file(name);
    for (let at = 0; at < bytes.length; at += this.#buffer.length) {
      const chunk = bytes.subarray(at, at + this.#buffer.length);
      this.#buffer.set(chunk);
      onChunk(this.#buffer.subarray(0, chunk.length));
    }
  }

  #named(prefix: string): string[] {
    return [...this.files.keys()].filter((name) => name.startsWith(prefix));
  }

  #file(name: string): Uint8Array {
    const bytes = this.files.get(name);
    if (bytes === undefined) throw new Error(`no file ${name}`);
    return bytes;
  }
}

function zxidOfName(name: string): number {
  return Number.parseInt(name.slice(name.indexOf('.') + 1), 16);
}
