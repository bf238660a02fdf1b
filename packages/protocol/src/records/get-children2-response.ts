import { type Stat, statRecord } from '../stat.ts';
import type { Codec } from './codec.ts';
import { stringList } from './string-list.ts';

/**
 * Reply of getChildren2 (client-protocol reference, section 3.2).
 *
 * ```text
 * children  vector<ustring>
 * stat      Stat
 * ```
 */
export interface GetChildren2Response {
  /** Names, not paths, in any order. */
  readonly children: readonly string[] | null;
  readonly stat: Stat;
}

export const getChildren2Response: Codec<GetChildren2Response> = {
  encode(out, value) {
    stringList.encode(out, value.children);
    statRecord.encode(out, value.stat);
  },
  decode(input) {
    return { children: stringList.decode(input), stat: statRecord.decode(input) };
  },
};
