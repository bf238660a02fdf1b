import type { Codec } from './codec.ts';

/** The body of requests and replies that are only a header; its value is null. */
export const emptyRecord: Codec<null> = {
  encode() {},
  decode() {
    return null;
  },
};
