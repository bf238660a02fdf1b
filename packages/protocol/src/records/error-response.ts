import type { Codec } from './codec.ts';

/**
 * Reply of addWatch (always 0), and the body of a failed result inside a multi (client-protocol reference, section 3.2
 * and 3.6).
 *
 * ```text
 * err  int
 * ```
 */
export interface ErrorResponse {
  /** An `ErrorCode`. */
  readonly err: number;
}

export const errorResponse: Codec<ErrorResponse> = {
  encode(out, value) {
    out.int(value.err);
  },
  decode(input) {
    return { err: input.int() };
  },
};
