import { readFully } from '../adapters/disk/recovery-files.ts';
import type { Disk, DiskSource } from '../ports.ts';

/** A part of a file to be written: bytes, or the range `[from, to)` of what the file holds now. */
export type Piece = Uint8Array | { readonly from: number; readonly to: number };

/** What a repair does to one file. */
export type Change =
  | { readonly kind: 'write'; readonly folder: string; readonly name: string; readonly pieces: () => Iterable<Piece> }
  | { readonly kind: 'remove'; readonly folder: string; readonly name: string };

/** What a repair would do, to be shown before it is done. */
export interface RepairPlan {
  /** One sentence each. */
  readonly steps: readonly string[];
  /** What will be gone for good: one sentence each. */
  readonly losses: readonly string[];
  /** What else an operator should know: one sentence each. */
  readonly notes: readonly string[];
  /** In the order in which they are done; none when there is nothing to do. */
  readonly changes: readonly Change[];
}

const CHUNK_BYTES = 1 << 20;

/** The contents that a write gives a file, in chunks that are valid until the next one. */
export function* contents(disk: Disk, change: Extract<Change, { kind: 'write' }>): Generator<Uint8Array> {
  const path = `${change.folder}/${change.name}`;
  let source: DiskSource | null = null;
  const chunk = new Uint8Array(CHUNK_BYTES);
  try {
    for (const piece of change.pieces()) {
      if (piece instanceof Uint8Array) {
        yield piece;
        continue;
      }
      source ??= disk.openReadSync(path);
      for (let at = piece.from; at < piece.to; ) {
        const count = readFully(source, chunk.subarray(0, Math.min(CHUNK_BYTES, piece.to - at)), at);
        if (count === 0) throw new Error(`${path} became shorter while it was read`);
        yield chunk.subarray(0, count);
        at += count;
      }
    }
  } finally {
    source?.closeSync();
  }
}
