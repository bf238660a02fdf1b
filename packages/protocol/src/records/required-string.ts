import { JuteError } from '../bytes/jute-error.ts';
import type { Reader } from '../bytes/reader.ts';

/** Reads a string where null makes no sense, such as the path of a txn; null is refused as malformed. */
export function decodeRequiredString(input: Reader): string {
  const text = input.string();
  if (text === null) throw new JuteError('malformed', 'a string that must be there is null');
  return text;
}
