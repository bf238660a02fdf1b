import type { Codec } from './codec.ts';

/**
 * Reply of getAllChildrenNumber (client-protocol reference, section 3.5).
 *
 * ```text
 * totalNumber  int
 * ```
 */
export interface GetAllChildrenNumberResponse {
  /** All descendants, the node itself not counted. */
  readonly totalNumber: number;
}

export const getAllChildrenNumberResponse: Codec<GetAllChildrenNumberResponse> = {
  encode(out, value) {
    out.int(value.totalNumber);
  },
  decode(input) {
    return { totalNumber: input.int() };
  },
};
