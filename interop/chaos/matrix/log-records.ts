/** Where the records of log files are (storage-formats reference, section 2); by hand, so that the server's reader is not believed. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LogRecord {
  readonly path: string;
  readonly zxid: number;
  /** The type of the transaction; those of sessions are negative. */
  readonly type: number;
  /** Where the record begins, with its checksum; and how long it is, with its end byte. */
  readonly at: number;
  readonly length: number;
}

const HEADER_BYTES = 16;
const PREFIX_BYTES = 12;
const ZXID_AT = 12;
const TYPE_AT = 28;
const END_OF_RECORD = 0x42;
const ADLER_MODULUS = 65521;

/** Every record whose checksum is right, of all logs below a folder, moved aside or not; one after a damaged one is found, too. */
export function recordsBelow(folder: string): LogRecord[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return recordsBelow(path);
    return entry.name.startsWith('log.') ? recordsOf(path) : [];
  });
}

function recordsOf(path: string): LogRecord[] {
  const bytes = readFileSync(path);
  const records: LogRecord[] = [];
  for (let at = HEADER_BYTES; at + PREFIX_BYTES < bytes.length; ) {
    const length = bytes.readInt32BE(at + 8);
    const end = at + PREFIX_BYTES + length;
    const isWhole =
      length > 0 &&
      end < bytes.length &&
      bytes[end] === END_OF_RECORD &&
      Number(bytes.readBigInt64BE(at)) === adler32(bytes.subarray(at + PREFIX_BYTES, end));
    if (!isWhole) {
      at++;
      continue;
    }
    const body = at + PREFIX_BYTES;
    const zxid = Number(bytes.readBigInt64BE(body + ZXID_AT));
    records.push({ path, zxid, type: bytes.readInt32BE(body + TYPE_AT), at, length: end + 1 - at });
    at = end + 1;
  }
  return records;
}

function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % ADLER_MODULUS;
    b = (b + a) % ADLER_MODULUS;
  }
  return b * 65536 + a;
}
