import { bytesOf, textOf } from '../node-data.ts';

/** How a counter is stored. */
export interface CounterBytes {
  readonly least: bigint | null;
  readonly most: bigint | null;
  encode(value: bigint): Uint8Array;
  /** null: the bytes are no such number. Empty is 0, as in Curator and kazoo. */
  decode(data: Uint8Array): bigint | null;
}

const LONG_BYTES = 8;
const INT_BYTES = 4;

export const counterBytes: Readonly<Record<'int64' | 'int32' | 'decimal', CounterBytes>> = {
  int64: {
    least: -(2n ** 63n),
    most: 2n ** 63n - 1n,
    encode: (value) => {
      const bytes = new Uint8Array(LONG_BYTES);
      new DataView(bytes.buffer).setBigInt64(0, value);
      return bytes;
    },
    decode: (data) => {
      if (data.length === 0) return 0n;
      return data.length === LONG_BYTES ? viewOf(data).getBigInt64(0) : null;
    },
  },
  int32: {
    least: -(2n ** 31n),
    most: 2n ** 31n - 1n,
    encode: (value) => {
      const bytes = new Uint8Array(INT_BYTES);
      new DataView(bytes.buffer).setInt32(0, Number(value));
      return bytes;
    },
    decode: (data) => {
      if (data.length === 0) return 0n;
      return data.length === INT_BYTES ? BigInt(viewOf(data).getInt32(0)) : null;
    },
  },
  decimal: {
    least: null,
    most: null,
    encode: (value) => bytesOf(value.toString()),
    decode: (data) => {
      const text = textOf(data).trim();
      if (text === '') return 0n;
      return /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : null;
    },
  },
};

function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}
