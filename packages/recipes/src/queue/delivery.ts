/** An item, or the items of one znode, handed to one taker. */
export interface Delivery {
  /** The znode's name. */
  readonly name: string;
  readonly data: Uint8Array;
  /**
   * With locks: aborted at once when the lock is lost or may be, because the session has ended or may have: another
   * taker gets the item then. Call `putBack`, or dispose, all the same: a session that may have ended can live on, and its
   * locks with it. Without locks never aborted.
   */
  readonly signal: AbortSignal;
  /**
   * Says that the item has been dealt with. Without locks it was gone with the taking, and this does nothing.
   *
   * @throws ZooKeeperError sessionExpired: the lock was lost before, the item is or was handed out again.
   */
  done(): Promise<void>;
  /** With locks: gives the item back, to be taken again. Without locks this does nothing. */
  putBack(): Promise<void>;
  /** As `putBack`, unless `done` was called. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** An item that was removed from the queue. */
export function plainDelivery(name: string, data: Uint8Array): Delivery {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    name,
    data,
    signal: new AbortController().signal,
    done: nothing,
    putBack: nothing,
    [Symbol.asyncDispose]: nothing,
  };
}
