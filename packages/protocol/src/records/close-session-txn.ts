import type { Reader } from '../bytes/reader.ts';
import type { Codec } from './codec.ts';
import { stringList } from './string-list.ts';

/**
 * Body of a closeSession txn (storage-formats reference, sections 4.2 and 4.3).
 *
 * ```text
 * paths2Delete  vector<ustring>  missing before 3.6, or when switched off
 * ```
 */
export interface CloseSessionTxn {
  /** The ephemerals that go with the session; not there at all if the body is empty. */
  readonly paths2Delete?: readonly string[] | null;
}

export const closeSessionTxn: Codec<CloseSessionTxn> = {
  encode(out, value) {
    if (value.paths2Delete !== undefined) stringList.encode(out, value.paths2Delete);
  },
  decode(input) {
    if (input.remaining() === 0 || onlyDigestLeft(input)) return {};
    return { paths2Delete: stringList.decode(input) };
  },
};

/**
 * A digest that follows an empty body looks like the start of a list of two. Exactly its 12 bytes cannot be such a list,
 * for both elements would have to be empty, and no path is.
 */
function onlyDigestLeft(input: Reader): boolean {
  return input.remaining() === 12 && input.view.getInt32(input.pos) === 2;
}
