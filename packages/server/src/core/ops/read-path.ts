import { JuteError, type Reader } from '@headkeeper/protocol';

/** Offsets of the path that `readPath` read last, in the reader's memory. */
export interface PathRange {
  start: number;
  end: number;
}

/** Reads a path that must not be null; a null one is as undecodable as a truncated one (client-protocol reference, 1.3). */
export function readPath(r: Reader, range: PathRange): void {
  const length = r.length();
  if (length < 0) throw new JuteError('malformed', 'the path is null');
  range.start = r.pos;
  range.end = r.pos + length;
  r.pos = range.end;
}

export function containsNul(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === 0) return true;
  return false;
}
