import { ErrorCode, type Identity, JuteError, type Reader } from '@headkeeper/protocol';
import type { Connection } from '../connection.ts';
import type { Serving } from '../serving.ts';
import { NONE } from '../tree/node-store.ts';

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

/**
 * The slot of the path that `readPath` read, if the identities have one of the wanted permissions on it. Otherwise the
 * request has been answered with the error, and the result is -1.
 */
export function findOrRefuse(
  serving: Serving,
  connection: Connection,
  identities: readonly Identity[],
  xid: number,
  r: Reader,
  range: PathRange,
  wanted: number,
): number {
  const slot = serving.tree.find(r.bytes, range.start, range.end);
  if (slot === NONE) serving.replyError(connection, xid, ErrorCode.noNode);
  else if (!serving.allowedOn(slot, wanted, identities)) {
    serving.replyError(connection, xid, ErrorCode.noAuth);
    return NONE;
  }
  return slot;
}

export function containsNul(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === 0) return true;
  return false;
}
