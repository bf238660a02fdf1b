import { Observations } from '../../core/statistics/observations.ts';

/** What the journal does, and how long that takes, in milliseconds. Txns of one batch count alike: as its oldest. */
export class JournalStatistics {
  /** Txns taken in. */
  appended = 0;
  /** Txns that wait when a batch is begun, and those in it. */
  readonly waiting: Observations = new Observations();
  readonly together: Observations = new Observations();
  /** A sync alone, and with the write before it. */
  readonly syncTime: Observations = new Observations();
  readonly batchTime: Observations = new Observations();
  /** Each txn's wait for its batch, for the batch, and both. */
  readonly queueTime: Observations = new Observations();
  readonly flushTime: Observations = new Observations();
  readonly queueAndFlushTime: Observations = new Observations();

  /** Syncs that took longer than `slowerThanMs`; `slow` hears of each. */
  slowSyncs = 0;
  slowerThanMs: number = Number.POSITIVE_INFINITY;
  slow: (tookMs: number) => void = () => {};

  /** A batch of so many txns is begun. */
  began(txns: number, stillWaiting: number): void {
    this.waiting.add(txns + stillWaiting);
    this.together.add(txns);
  }

  /** A batch is durable: when its oldest txn came, when its write and its sync began, and the present. */
  synced(txns: number, appendedMs: number, writeMs: number, syncMs: number, nowMs: number): void {
    this.syncTime.add(Math.round(nowMs - syncMs));
    if (nowMs - syncMs > this.slowerThanMs) {
      this.slowSyncs++;
      this.slow(nowMs - syncMs);
    }
    this.batchTime.add(Math.round(nowMs - writeMs));
    this.queueTime.addMany(Math.round(writeMs - appendedMs), txns);
    this.flushTime.addMany(Math.round(nowMs - writeMs), txns);
    this.queueAndFlushTime.addMany(Math.round(nowMs - appendedMs), txns);
  }
}
