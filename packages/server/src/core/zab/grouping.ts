/**
 * Between Headkeeper servers one ACK, or one COMMIT, stands for all txns up to its own. A follower says at the end of its
 * greeting that it understands that, and its leader says so at the end of LEADERINFO. Apache's servers do not read on behind
 * what they know (quorum-protocol reference, 4.2 and 4.3); Apache's leader needs an ACK, its follower a COMMIT, for each txn.
 */
import type { Writer } from '@headkeeper/protocol';

/** "HK" and the version of what is agreed on. */
const MARK = 0x484b0001;

export function writeGrouping(out: Writer): void {
  out.int(MARK);
}

/** Whether the mark stands at `at`, in data that ends at `end`. */
export function readsGrouping(view: DataView, at: number, end: number): boolean {
  return end - at >= 4 && view.getInt32(at) === MARK;
}
