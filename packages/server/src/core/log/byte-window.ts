/**
 * The unread bytes of a stream that arrives in chunks, in one piece of memory. What lies before `start` is forgotten at
 * the next `append`, so the memory stays at one chunk plus the largest thing that its owner leaves unread.
 */
export class ByteWindow {
  bytes: Uint8Array;
  view: DataView;
  /** Where the unread bytes begin. The owner moves it forward. */
  start: number;
  /** Where they end. */
  end: number;
  /** Position in the stream of `bytes[0]`. */
  base: number;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
    this.start = 0;
    this.end = 0;
    this.base = 0;
  }

  /** Copies the chunk in. Offsets taken before are no longer valid. */
  append(chunk: Uint8Array): void {
    const unread = this.end - this.start;
    if (unread + chunk.length > this.bytes.length) {
      const next = new Uint8Array(Math.max(unread + chunk.length, 2 * this.bytes.length));
      next.set(this.bytes.subarray(this.start, this.end));
      this.bytes = next;
      this.view = new DataView(next.buffer);
    } else if (this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
    }
    this.base += this.start;
    this.start = 0;
    this.bytes.set(chunk, unread);
    this.end = unread + chunk.length;
  }
}

/** Whether `bytes[start, end)` holds nothing but zeros. */
export function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const any =
      bytes[at] |
      bytes[at + 1] |
      bytes[at + 2] |
      bytes[at + 3] |
      bytes[at + 4] |
      bytes[at + 5] |
      bytes[at + 6] |
      bytes[at + 7];
    if (any !== 0) return false;
  }
  for (; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}
