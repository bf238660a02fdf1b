import type { SimNode } from '../node/sim-node.ts';
import { BLOCK_BYTES, type Cell, kindOf } from './cell.ts';

/** A fault of one block, and how whoever looks after the machine makes it good. */
export interface Damage {
  /** Whether the fault has struck: a read or a write may never come to that block. */
  readonly isReached: () => boolean;
  mend(): void;
}

/** Breaks the block. A server that runs has what it has written in the cache of its machine, but for errors. */
export function strike(node: SimNode, { file, block, fault }: Cell): Damage {
  const { disk } = node;
  const { path, usedBytes } = file;
  const from = block * BLOCK_BYTES;
  const to = Math.min(from + BLOCK_BYTES, usedBytes);
  switch (fault) {
    case 'zeros':
    case 'junk': {
      const before = readBack(node, path, from, to);
      disk.rot(path, from, to, fault, from + 1);
      return { isReached: () => true, mend: () => writeBack(node, path, from, before) };
    }
    case 'EIO':
      disk.makeUnreadable(path, from, to);
      return { isReached: () => true, mend: () => disk.becomeReadable() };
    case 'ENOSPC': {
      let isReached = false;
      const kind = kindOf(path);
      // The block of whatever file of the kind: one that is there is hardly ever written again.
      disk.writeFault = (written, position, length) => {
        if (kindOf(written) !== kind || position >= from + BLOCK_BYTES || position + length <= from) return null;
        isReached = true;
        return 'full';
      };
      return {
        isReached: () => isReached,
        mend: () => {
          disk.writeFault = null;
        },
      };
    }
  }
}

function readBack({ disk }: SimNode, path: string, from: number, to: number): Uint8Array {
  const source = disk.openReadSync(path);
  const bytes = new Uint8Array(to - from);
  source.readSync(bytes, 0, bytes.length, from);
  source.closeSync();
  return bytes;
}

/** The operator puts the file back as it was; where there is none any more the server has put it aside. */
function writeBack({ disk }: SimNode, path: string, from: number, bytes: Uint8Array): void {
  if (!disk.existsSync(path)) return;
  const file = disk.openWriteSync(path);
  file.writeSync(bytes, 0, bytes.length, from);
  file.dataSyncSync();
  file.closeSync();
}
