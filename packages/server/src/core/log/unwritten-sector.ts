import { type ByteWindow, isZero } from './byte-window.ts';
import { adler32 } from './checksum.ts';
import { RECORD_PREFIX_BYTES, TXN_HEADER_BYTES } from './record-codec.ts';

/** What disks write in one piece, at least. */
export const SECTOR_BYTES = 512;

const ADLER_BASE = 65521;
/** Offset in a record of the low word of the checksum, which is the part that is not always 0. */
const CHECKSUM_AT = 4;

/**
 * Whether the broken record at the window's start can only be explained by a sector that never reached the disk.
 *
 * After a power cut any subset of the sectors written since the last sync may be missing (known-failures reference, D03);
 * in a file that only grows, a missing sector reads as zeros, from the place where its synced part ended. If an intact
 * record cannot have those zeros, no sync that covered it has succeeded, so neither it nor anything behind it was
 * acknowledged. Damage of a few bits to a record that was synced never looks like this, and must not be dropped (D04).
 *
 * The body would be at `bodyStart` to `bodyEnd` (equal when the length is unknown); both are offsets in the window, which
 * reaches at least one sector past the record or to the end of the file.
 */
export function isUnwritten(window: ByteWindow, bodyStart: number, bodyEnd: number): boolean {
  // The last byte of the checksum: the sector that holds it also holds its low word, which is never 0.
  if (sectorIsZero(window, bodyStart - RECORD_PREFIX_BYTES + CHECKSUM_AT + 3)) return true;
  // The last byte of the length: the sector that holds it also holds the length, or the TxnHeader.
  if (sectorIsZero(window, bodyStart - 1)) return true;
  if (bodyEnd === bodyStart) return false;
  // The last byte of the type is never 0, nor is the end mark.
  if (sectorIsZero(window, bodyStart + TXN_HEADER_BYTES - 1)) return true;
  if (sectorIsZero(window, bodyEnd)) return true;
  if (bodyEnd >= window.end) return false;
  return lacksChecksum(window, bodyStart, bodyEnd) || lacksData(window, bodyStart, bodyEnd);
}

/** Whether the sector of the byte at `at` is zero, from the window's start if that is inside the sector. */
function sectorIsZero(window: ByteWindow, at: number): boolean {
  if (at >= window.end) return false;
  const sectorStart = at - ((window.base + at) % SECTOR_BYTES);
  return isZero(window.bytes, Math.max(window.start, sectorStart), Math.min(window.end, sectorStart + SECTOR_BYTES));
}

/** Whether the first sector ends inside the checksum's low word and is missing, while the rest of the record is right. */
function lacksChecksum(window: ByteWindow, bodyStart: number, bodyEnd: number): boolean {
  const { bytes, view, base, start } = window;
  const inFirstSector = SECTOR_BYTES - ((base + start) % SECTOR_BYTES);
  const lost = inFirstSector - CHECKSUM_AT;
  if (lost < 1 || lost > 3) return false;
  const kept = 0xffffffff >>> (8 * lost);
  const stored = view.getUint32(start + CHECKSUM_AT);
  return (stored & ~kept) === 0 && ((stored ^ adler32(bytes, bodyStart, bodyEnd)) & kept) === 0;
}

/**
 * Whether a whole sector inside the body is zero, in a body that is wrong. A client's data may hold such zeros, so damage
 * that one changed byte can explain is not taken for a missing sector.
 */
function lacksData(window: ByteWindow, bodyStart: number, bodyEnd: number): boolean {
  const { bytes, view, base, start } = window;
  const into = (base + bodyStart) % SECTOR_BYTES;
  let missing = false;
  for (let at = bodyStart - into + SECTOR_BYTES; at + SECTOR_BYTES <= bodyEnd && !missing; at += SECTOR_BYTES) {
    missing = isZero(bytes, at, at + SECTOR_BYTES);
  }
  return missing && !isOneByteOff(bytes, bodyStart, bodyEnd, view.getUint32(start + CHECKSUM_AT));
}

/** Whether changing one byte of `bytes[start, end)`, or one of the checksum, can make their Adler-32 the wanted one. */
function isOneByteOff(bytes: Uint8Array, start: number, end: number, wanted: number): boolean {
  const found = adler32(bytes, start, end);
  const changed = wanted ^ found;
  for (let shift = 0; shift < 32; shift += 8) if ((changed & ~(0xff << shift)) === 0) return true;
  const low = ((wanted & 0xffff) - (found & 0xffff) + ADLER_BASE) % ADLER_BASE;
  const high = ((wanted >>> 16) - (found >>> 16) + ADLER_BASE) % ADLER_BASE;
  const change = low < 256 ? low : low - ADLER_BASE;
  if (change === 0 || change < -255) return false;
  // A byte k places before the end, itself counted, moves the second sum by k times its change.
  for (let at = end - 1, sum = low; at >= start; at--, sum = (sum + low) % ADLER_BASE) {
    const value = bytes[at] + change;
    if (sum === high && value >= 0 && value <= 255) return true;
  }
  return false;
}
