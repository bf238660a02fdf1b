import { type Stat, statRecord } from '../stat.ts';
import type { Codec } from './codec.ts';

/**
 * Reply of getData and reconfig (client-protocol reference, section 3.2).
 *
 * ```text
 * data  buffer
 * stat  Stat
 * ```
 */
export interface GetDataResponse {
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

export const getDataResponse: Codec<GetDataResponse> = {
  encode(out, value) {
    out.buffer(value.data);
    statRecord.encode(out, value.stat);
  },
  decode(input) {
    return { data: input.buffer(), stat: statRecord.decode(input) };
  },
};
