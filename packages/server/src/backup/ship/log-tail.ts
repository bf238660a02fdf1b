import { zxidText } from '../../core/log/recovery-refused.ts';
import { type HistoryStore, HistoryUnreachable, type LogCursor } from '../../ports.ts';
import { type LogSegment, SegmentBuilder, SegmentMemory } from '../segment-builder.ts';

/** What the shipper needs of the server's history; it reads while the server writes, and changes nothing. */
export type HistoryReader = Pick<HistoryStore, 'readLog'>;

/** A tenth of a millisecond's work. */
const BITE_BYTES = 1 << 16;

/** The server's log from one txn on, cut into segments. */
export class LogTail {
  readonly #history: HistoryReader;
  readonly #between: () => Promise<void>;
  readonly #memory: SegmentMemory = new SegmentMemory();
  #cursor: LogCursor | null = null;
  /** Everything up to here was handed over. */
  position: number;

  /** `between` is waited for between two bites of work. */
  constructor(history: HistoryReader, afterZxid: number, between: () => Promise<void> = async () => {}) {
    this.#history = history;
    this.#between = between;
    this.position = afterZxid;
  }

  /**
   * The next txns, none beyond `upToZxid`, which must be on the disk: about `maxBytes` of them, all of one epoch. Null when
   * there are none. Its bytes are good until the next call.
   *
   * Throws HistoryUnreachable when the log does not hold what follows any more, and the disk's errors.
   */
  async next(upToZxid: number, maxBytes: number): Promise<LogSegment | null> {
    if (upToZxid <= this.position) return null;
    const segment = await this.#collect(upToZxid, maxBytes);
    if (segment !== null) this.position = segment.lastZxid;
    return segment;
  }

  /** Goes back behind `zxid`: what followed was not kept. */
  rewind(zxid: number): void {
    this.close();
    this.position = zxid;
  }

  close(): void {
    this.#cursor?.close();
    this.#cursor = null;
  }

  async #collect(upToZxid: number, maxBytes: number): Promise<LogSegment | null> {
    const builder = new SegmentBuilder(this.position, this.#memory);
    try {
      this.#cursor ??= this.#history.readLog(this.position);
      if (this.#cursor === null) throw this.#unreachable();
      let rested = 0;
      while (builder.bytes < maxBytes) {
        if (builder.bytes - rested >= BITE_BYTES) {
          await this.#between();
          rested = builder.bytes;
        }
        const records = this.#cursor.next(Math.min(BITE_BYTES, maxBytes), upToZxid);
        if (records === null) break;
        if (builder.addAll(records) < records.count) {
          // Another epoch begins: the cursor is past it already.
          this.close();
          return builder.txns === 0 ? null : builder.finish();
        }
      }
    } catch (error) {
      this.close();
      throw error;
    }
    if (builder.txns > 0) return builder.finish();
    this.close();
    throw this.#unreachable();
  }

  #unreachable(): HistoryUnreachable {
    return new HistoryUnreachable(`the log of this server does not hold what follows ${zxidText(this.position)}`);
  }
}
