import { TxnApplier } from '@headkeeper/server/internal';

/**
 * Hears of every txn that any server applies, for replay or for good. `before` is the zxid of what the same state had applied
 * last; 0 for the first behind a snapshot. The bytes are valid during the call only.
 */
export type TxnListener = (applier: TxnApplier, before: number, bytes: Uint8Array, start: number, end: number) => void;

/**
 * Runs `body` while `listener` hears of every txn that is applied: `TxnApplier` is the one place through which each change of
 * the replicated state goes, so nothing escapes, and the production code needs no hook for it.
 */
export function withTxnProbe<T>(listener: TxnListener, body: () => T): T {
  const original = TxnApplier.prototype.apply;
  TxnApplier.prototype.apply = function apply(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const before = this.zxid;
    original.call(this, bytes, view, start, end);
    listener(this, before, bytes, start, end);
  };
  try {
    return body();
  } finally {
    TxnApplier.prototype.apply = original;
  }
}
