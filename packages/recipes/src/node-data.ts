import type { DataInput } from '@headkeeper/client';
import { dataFault } from '@headkeeper/client/internal';

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** What is stored, as bytes; null is none. */
export function bytesOf(data: DataInput): Uint8Array {
  if (data === null) return new Uint8Array(0);
  if (typeof data === 'string') return ENCODER.encode(data);
  const fault = dataFault(data);
  if (fault !== null) throw new TypeError(fault);
  return data;
}

/** What is stored, as text; null is none. */
export function textOf(data: Uint8Array | null): string {
  return data === null ? '' : DECODER.decode(data);
}
