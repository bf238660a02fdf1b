import { type Stat, statRecord } from '../stat.ts';
import type { Codec } from './codec.ts';

/**
 * Reply of exists, setData and setACL (client-protocol reference, section 3.2).
 *
 * ```text
 * stat  Stat
 * ```
 */
export interface StatResponse {
  readonly stat: Stat;
}

export const statResponse: Codec<StatResponse> = {
  encode(out, value) {
    statRecord.encode(out, value.stat);
  },
  decode(input) {
    return { stat: statRecord.decode(input) };
  },
};
