import type { Codec } from './codec.ts';
import { stringList } from './string-list.ts';

/**
 * Reply of getChildren (client-protocol reference, section 3.2).
 *
 * ```text
 * children  vector<ustring>
 * ```
 */
export interface GetChildrenResponse {
  /** Names, not paths, in any order. */
  readonly children: readonly string[] | null;
}

export const getChildrenResponse: Codec<GetChildrenResponse> = {
  encode(out, value) {
    stringList.encode(out, value.children);
  },
  decode(input) {
    return { children: stringList.decode(input) };
  },
};
