/**
 * Small files of ours that remember two numbers beside what Apache's formats have no checksum for. A file has two slots, each
 * in a sector of its own and with a checksum, that are written in turn: what a torn write or a decayed sector leaves is the
 * other one, which is older.
 */
import { adler32 } from '../../core/log/checksum.ts';
import type { Disk } from '../../ports.ts';
import { isUnreadable } from './unreadable.ts';

export interface Slot {
  readonly first: number;
  readonly second: number;
  /** Counts the writes. */
  readonly serial: number;
}

const MAGIC = 0x484b4e53;
const SECTOR_BYTES = 512;
const CHECKED_BYTES = 28;
const SLOT_BYTES = CHECKED_BYTES + 4;
export const SLOTS_FILE_BYTES: number = 2 * SECTOR_BYTES;

/** Where the slot of this serial number lies in the file. */
export function slotPosition(serial: number): number {
  return (serial % 2) * SECTOR_BYTES;
}

/** The bytes of a slot; the numbers are whole, from 0 to `Number.MAX_SAFE_INTEGER`. */
export function encodeSlot({ first, second, serial }: Slot): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setBigUint64(4, BigInt(serial));
  view.setBigUint64(12, BigInt(first));
  view.setBigUint64(20, BigInt(second));
  view.setUint32(CHECKED_BYTES, adler32(bytes, 0, CHECKED_BYTES));
  return bytes;
}

/** The newest slot that is whole and can be read; null without one. Throws what the disk throws, but for sectors it cannot read. */
export function readSlots(disk: Disk, path: string): Slot | null {
  if (!disk.existsSync(path)) return null;
  const source = disk.openReadSync(path);
  try {
    let newest: Slot | null = null;
    for (const at of [0, SECTOR_BYTES]) {
      const bytes = new Uint8Array(SLOT_BYTES);
      try {
        if (source.readSync(bytes, 0, SLOT_BYTES, at) < SLOT_BYTES) continue;
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        continue;
      }
      const slot = decodeSlot(bytes);
      if (slot !== null && (newest === null || slot.serial > newest.serial)) newest = slot;
    }
    return newest;
  } finally {
    source.closeSync();
  }
}

function decodeSlot(bytes: Uint8Array): Slot | null {
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0) !== MAGIC || view.getUint32(CHECKED_BYTES) !== adler32(bytes, 0, CHECKED_BYTES)) return null;
  return {
    serial: Number(view.getBigUint64(4)),
    first: Number(view.getBigUint64(12)),
    second: Number(view.getBigUint64(20)),
  };
}

/** Remembers other numbers; durable on return. Makes the file if it is not there. Throws what the disk throws. */
export function writeSlots(disk: Disk, folder: string, name: string, first: number, second: number): void {
  const path = `${folder}/${name}`;
  const isNew = !disk.existsSync(path);
  const slot: Slot = { first, second, serial: (readSlots(disk, path)?.serial ?? 0) + 1 };
  const file = isNew ? disk.createSync(path) : disk.openWriteSync(path);
  if (isNew) file.writeSync(new Uint8Array(SLOTS_FILE_BYTES), 0, SLOTS_FILE_BYTES, 0);
  const bytes = encodeSlot(slot);
  file.writeSync(bytes, 0, bytes.length, slotPosition(slot.serial));
  file.dataSyncSync();
  file.closeSync();
  if (isNew) disk.syncDirSync(folder);
}
