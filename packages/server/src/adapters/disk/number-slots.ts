/**
 * Small files of ours that remember two numbers beside what Apache's formats have no checksum for. A file has two slots, each
 * in a sector of its own and with a checksum, that are written in turn: what a torn write or a decayed sector leaves is the
 * other one, which is older. The checksum covers the file's name, and the serial number says which of the two slots it is: what a
 * disk writes into the wrong place is not believed (known failure D21).
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

/** The bytes of a slot of the file of this name; the numbers are whole, from 0 to `Number.MAX_SAFE_INTEGER`. */
export function encodeSlot(name: string, { first, second, serial }: Slot): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setBigUint64(4, BigInt(serial));
  view.setBigUint64(12, BigInt(first));
  view.setBigUint64(20, BigInt(second));
  view.setUint32(CHECKED_BYTES, checksum(bytes, name));
  return bytes;
}

/** The newest slot that is whole and can be read; null without one. Throws what the disk throws, but for sectors it cannot read. */
export function readSlots(disk: Disk, path: string): Slot | null {
  if (!disk.existsSync(path)) return null;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const source = disk.openReadSync(path);
  try {
    const bytes = new Uint8Array(SLOTS_FILE_BYTES);
    for (const at of [0, SECTOR_BYTES]) {
      try {
        source.readSync(bytes, at, at + SLOT_BYTES, at);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
      }
    }
    return newestSlotIn(name, bytes);
  } finally {
    source.closeSync();
  }
}

/** The newest slot that is whole in the bytes of the file of this name; null without one. */
export function newestSlotIn(name: string, bytes: Uint8Array): Slot | null {
  let newest: Slot | null = null;
  for (const at of [0, SECTOR_BYTES]) {
    if (bytes.length < at + SLOT_BYTES) continue;
    const slot = decodeSlot(name, bytes.slice(at, at + SLOT_BYTES));
    if (slot === null || slotPosition(slot.serial) !== at) continue;
    if (newest === null || slot.serial > newest.serial) newest = slot;
  }
  return newest;
}

function checksum(bytes: Uint8Array, name: string): number {
  const text = new TextEncoder().encode(name);
  return adler32(text, 0, text.length, adler32(bytes, 0, CHECKED_BYTES));
}

function decodeSlot(name: string, bytes: Uint8Array): Slot | null {
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0) !== MAGIC || view.getUint32(CHECKED_BYTES) !== checksum(bytes, name)) return null;
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
  const bytes = encodeSlot(name, slot);
  file.writeSync(bytes, 0, bytes.length, slotPosition(slot.serial));
  file.dataSyncSync();
  file.closeSync();
  if (isNew) disk.syncDirSync(folder);
}
