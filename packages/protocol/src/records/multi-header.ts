import type { Codec } from './codec.ts';

/**
 * Stands before each operation and result of a multi or multiRead (client-protocol reference, section 3.6).
 *
 * ```text
 * type  int
 * done  boolean
 * err   int
 * ```
 */
export interface MultiHeader {
  /** An `OpCode`; -1 for a failed result and for the end marker. */
  readonly type: number;
  /** True in the end marker only. */
  readonly done: boolean;
  /** -1 in requests and in the end marker, the `ErrorCode` in results. */
  readonly err: number;
}

export const multiHeader: Codec<MultiHeader> = {
  encode(out, value) {
    out.int(value.type);
    out.boolean(value.done);
    out.int(value.err);
  },
  decode(input) {
    return { type: input.int(), done: input.boolean(), err: input.int() };
  },
};

/** What stands after the last operation or result. */
export const END_OF_MULTI: MultiHeader = Object.freeze({ type: -1, done: true, err: -1 });
