import { JuteError } from '../bytes/jute-error.ts';
import type { Reader } from '../bytes/reader.ts';
import type { Writer } from '../bytes/writer.ts';

/**
 * Writes a zxid, a time or another 64-bit field whose real values are exact as a `number`.
 *
 * @throws RangeError if `value` is not a safe integer.
 */
export function encodeSafeLong(out: Writer, value: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not exact as a 64-bit field`);
  out.long(value);
}

/** Reads such a field; a value beyond ±(2^53 - 1) is refused as malformed. */
export function decodeSafeLong(input: Reader): number {
  const value = input.long();
  if (!Number.isSafeInteger(value)) throw new JuteError('malformed', 'a 64-bit field is beyond 2^53');
  return value;
}
