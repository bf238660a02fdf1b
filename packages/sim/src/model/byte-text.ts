import { Buffer } from 'node:buffer';

/** A character for each byte. */
export function byteText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** The data of a znode, as the model and the histories have it. */
export function dataText(data: Uint8Array | null | undefined): string | null {
  return data === null || data === undefined ? null : byteText(data);
}
