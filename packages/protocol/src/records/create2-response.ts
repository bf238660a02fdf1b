import { type Stat, statRecord } from '../stat.ts';
import type { Codec } from './codec.ts';

/**
 * Reply of create2, createContainer and createTTL (client-protocol reference, section 3.2).
 *
 * ```text
 * path  ustring
 * stat  Stat
 * ```
 */
export interface Create2Response {
  readonly path: string | null;
  readonly stat: Stat;
}

export const create2Response: Codec<Create2Response> = {
  encode(out, value) {
    out.string(value.path);
    statRecord.encode(out, value.stat);
  },
  decode(input) {
    return { path: input.string(), stat: statRecord.decode(input) };
  },
};
