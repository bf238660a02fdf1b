import type { DataInput } from '@headkeeper/client';

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** What is stored, as bytes; null is none. */
export function bytesOf(data: DataInput): Uint8Array {
  if (data === null) return new Uint8Array(0);
  return typeof data === 'string' ? ENCODER.encode(data) : data;
}

/** What is stored, as text; null is none. */
export function textOf(data: Uint8Array | null): string {
  return data === null ? '' : DECODER.decode(data);
}
