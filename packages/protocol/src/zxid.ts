/** A zxid holds the epoch of its leader in the upper 32 bits and a counter, which begins at 1 in every epoch, in the lower. */
const EPOCH_UNIT = 4294967296;

export function epochOf(zxid: number): number {
  return Math.floor(zxid / EPOCH_UNIT);
}

/** 0 for the zxid that an epoch begins with, which is no txn's. */
export function counterOf(zxid: number): number {
  return zxid % EPOCH_UNIT;
}

export function zxidIn(epoch: number, counter: number): number {
  return epoch * EPOCH_UNIT + counter;
}
