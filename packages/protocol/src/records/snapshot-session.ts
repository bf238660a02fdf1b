import type { Codec } from './codec.ts';

/**
 * One entry of the session table of a snapshot (storage-formats reference, section 8).
 *
 * ```text
 * id       long
 * timeOut  int
 * ```
 */
export interface SnapshotSession {
  readonly id: bigint;
  /** Milliseconds. */
  readonly timeOut: number;
}

export const snapshotSession: Codec<SnapshotSession> = {
  encode(out, value) {
    out.longBig(value.id);
    out.int(value.timeOut);
  },
  decode(input) {
    return { id: input.longBig(), timeOut: input.int() };
  },
};
