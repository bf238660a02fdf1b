import type { Reader } from '../bytes/reader.ts';
import type { Writer } from '../bytes/writer.ts';

/**
 * How one record becomes bytes and comes back.
 *
 * `decode` leaves the reader just past the record, so what follows (or is to be ignored) starts at `input.pos`. Buffers in
 * a decoded value are views into the input: copy what must outlive it. The only error of `decode` is `JuteError`.
 * `encode` throws `RangeError` when a number cannot be a 64-bit field exactly (`encodeSafeLong`).
 */
export interface Codec<T> {
  encode(out: Writer, value: T): void;
  decode(input: Reader): T;
}
