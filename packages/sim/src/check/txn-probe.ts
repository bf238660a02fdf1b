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
  const remove = listen(listener);
  try {
    return body();
  } finally {
    remove();
  }
}

/** As `withTxnProbe`, until what `body` promises has come. */
export async function withTxnProbeInTurns<T>(listener: TxnListener, body: () => Promise<T>): Promise<T> {
  const remove = listen(listener);
  try {
    return await body();
  } finally {
    remove();
  }
}

function listen(listener: TxnListener): () => void {
  const original = TxnApplier.prototype.apply;
  TxnApplier.prototype.apply = function apply(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const before = this.zxid;
    original.call(this, bytes, view, start, end);
    listener(this, before, bytes, start, end);
  };
  return () => {
    TxnApplier.prototype.apply = original;
  };
}
