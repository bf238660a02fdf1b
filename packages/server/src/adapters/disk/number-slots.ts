/**
 * Small files of ours that remember two numbers beside what Apache's formats have no checksum for. A file has two slots, each
 * in a sector of its own and with a checksum, that are written in turn: what a torn write or a decayed sector leaves is the
 * other one, which is older. The checksum covers the file's name, and the serial number says which of the two slots it is: what a
 * disk writes into the wrong place is not believed (known failure D21).
 *
 * Behind its two numbers a slot can have a list of more, with a mark, a version and a checksum of its own. Releases that know no list
 * pass it over, and leave it when they write the slot: one that does not go with the slot's serial number counts for nothing.
 */
import { encodeUtf8 } from '@headkeeper/protocol';
import { adler32 } from '../../core/log/checksum.ts';
import type { Disk } from '../../ports.ts';
import { isUnreadable } from './unreadable.ts';

export interface Slot {
  readonly first: number;
  readonly second: number;
  /** Counts the writes. */
  readonly serial: number;
  /** Whole, like the others, and at most `MOST_LISTED`; none where nobody wrote any. */
  readonly list: readonly number[];
}

const TWO_32 = 4294967296;
const MAGIC = 0x484b4e53;
/** "HKL" and the version of the list's layout. */
const LIST_MAGIC = 0x484b4c01;
const SECTOR_BYTES = 512;
const CHECKED_BYTES = 28;
const SLOT_BYTES = CHECKED_BYTES + 4;
/** Before the numbers of a list: magic, serial number, count. */
const LIST_HEAD_BYTES = 16;
/** So many fit behind a slot in its sector. */
export const MOST_LISTED: number = Math.floor((SECTOR_BYTES - SLOT_BYTES - LIST_HEAD_BYTES - 4) / 8);
export const SLOTS_FILE_BYTES: number = 2 * SECTOR_BYTES;
/** The names of such files in UTF-8: there are few. */
const NAMES: Map<string, Uint8Array> = new Map();

/** Where the slot of this serial number lies in the file. */
export function slotPosition(serial: number): number {
  return (serial % 2) * SECTOR_BYTES;
}

/** The bytes of a slot of the file of this name; the numbers are whole, from 0 to `Number.MAX_SAFE_INTEGER`. */
export function encodeSlot(name: string, { first, second, serial, list }: Slot): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES + (list.length === 0 ? 0 : LIST_HEAD_BYTES + 8 * list.length + 4));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  setNumber(view, 4, serial);
  setNumber(view, 12, first);
  setNumber(view, 20, second);
  view.setUint32(CHECKED_BYTES, checksum(bytes, 0, CHECKED_BYTES, name));
  if (list.length === 0) return bytes;
  view.setUint32(SLOT_BYTES, LIST_MAGIC);
  setNumber(view, SLOT_BYTES + 4, serial);
  view.setUint32(SLOT_BYTES + 12, list.length);
  const from = SLOT_BYTES + LIST_HEAD_BYTES;
  for (let i = 0; i < list.length; i++) setNumber(view, from + 8 * i, list[i] as number);
  view.setUint32(bytes.length - 4, checksum(bytes, SLOT_BYTES, bytes.length - 4, name));
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
        source.readSync(bytes, at, at + SECTOR_BYTES, at);
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
  for (let at = 0; at < SLOTS_FILE_BYTES && bytes.length >= at + SLOT_BYTES; at += SECTOR_BYTES) {
    const slot = decodeSlot(name, bytes.subarray(at, at + SECTOR_BYTES));
    if (slot === null || slotPosition(slot.serial) !== at) continue;
    if (newest === null || slot.serial > newest.serial) newest = slot;
  }
  return newest;
}

function checksum(bytes: Uint8Array, start: number, end: number, name: string): number {
  let text = NAMES.get(name);
  if (text === undefined) {
    text = encodeUtf8(name);
    NAMES.set(name, text);
  }
  return adler32(text, 0, text.length, adler32(bytes, start, end));
}

function decodeSlot(name: string, bytes: Uint8Array): Slot | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0) !== MAGIC || view.getUint32(CHECKED_BYTES) !== checksum(bytes, 0, CHECKED_BYTES, name))
    return null;
  const serial = getNumber(view, 4);
  const list = decodeList(name, serial, bytes, view);
  if (list === null) return null;
  return { serial, first: getNumber(view, 12), second: getNumber(view, 20), list };
}

/** The list that goes with the slot, none where it is that of an earlier one; null when it is damaged: the other slot tells more then. */
function decodeList(name: string, serial: number, bytes: Uint8Array, view: DataView): number[] | null {
  const from = SLOT_BYTES + LIST_HEAD_BYTES;
  if (bytes.length < from || view.getUint32(SLOT_BYTES) !== LIST_MAGIC) return [];
  if (getNumber(view, SLOT_BYTES + 4) !== serial) return [];
  const count = view.getUint32(SLOT_BYTES + 12);
  const end = from + 8 * count;
  if (count > MOST_LISTED || end + 4 > bytes.length) return null;
  if (view.getUint32(end) !== checksum(bytes, SLOT_BYTES, end, name)) return null;
  return Array.from({ length: count }, (_, i) => getNumber(view, from + 8 * i));
}

function setNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / TWO_32));
  view.setUint32(at + 4, value >>> 0);
}

function getNumber(view: DataView, at: number): number {
  return view.getUint32(at) * TWO_32 + view.getUint32(at + 4);
}

/** Remembers other numbers; durable on return. Makes the file if it is not there. Throws what the disk throws. */
export function writeSlots(
  disk: Disk,
  folder: string,
  name: string,
  first: number,
  second: number,
  list: readonly number[] = [],
): void {
  const path = `${folder}/${name}`;
  const isNew = !disk.existsSync(path);
  const slot: Slot = { first, second, serial: (readSlots(disk, path)?.serial ?? 0) + 1, list };
  const file = isNew ? disk.createSync(path) : disk.openWriteSync(path);
  if (isNew) file.writeSync(new Uint8Array(SLOTS_FILE_BYTES), 0, SLOTS_FILE_BYTES, 0);
  const bytes = encodeSlot(name, slot);
  file.writeSync(bytes, 0, bytes.length, slotPosition(slot.serial));
  file.dataSyncSync();
  file.closeSync();
  if (isNew) disk.syncDirSync(folder);
}
