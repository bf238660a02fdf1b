import { Writer } from '@headkeeper/protocol';
import { beginRecord, endRecord, writeLogFileHeader } from '../../src/core/log/record-codec.ts';

export interface SampleLog {
  readonly bytes: Uint8Array;
  /** Offset of each record, and of the end. */
  readonly offsets: readonly number[];
}

/**
 * A log whose records have the given zxids and payloads. The body is a TxnHeader of setData and the payload, without the
 * fields of a real txn: enough for whoever looks at headers only.
 */
export function sampleLog(records: readonly { zxid: number; payload: Uint8Array }[], padding = 0): SampleLog {
  const w = new Writer(1024);
  w.length = w.reserve(16) + 16;
  writeLogFileHeader(w.bytes);
  const offsets = records.map(({ zxid, payload }) => {
    const at = beginRecord(w);
    w.long(0x100_0000_1234);
    w.int(7);
    w.long(zxid);
    w.long(1_795_291_386_238);
    w.int(5);
    w.raw(payload);
    endRecord(w, at);
    return at;
  });
  offsets.push(w.length);
  const bytes = new Uint8Array(w.length + padding);
  bytes.set(w.written());
  return { bytes, offsets };
}

/** A log with the txns `from` to `to`, each with an eight-byte payload. */
export function plainLog(from: number, to: number, padding = 0): SampleLog {
  const payload = new Uint8Array(8).fill(0x33);
  return sampleLog(
    Array.from({ length: to - from + 1 }, (_, i) => ({ zxid: from + i, payload })),
    padding,
  );
}

/** Changes a copy. */
export function edited(bytes: Uint8Array, change: (copy: Uint8Array, view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy, new DataView(copy.buffer));
  return copy;
}
