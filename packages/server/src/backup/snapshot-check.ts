import { zxidText } from '../core/log/recovery-refused.ts';
import { SnapshotDamaged, SnapshotDecoder, type SnapshotSummary } from '../core/log/snapshot-decoder.ts';
import type { StateSink } from '../core/log/state-sink.ts';
import { BackupError } from './backup-error.ts';

/**
 * The longest record that is believed, bytes: what a snapshot or log holds was accepted by a server once, under limits that
 * nobody knows here.
 */
export const MOST_RECORD_BYTES: number = 0x7fffffff - 4096;

/** Takes everything and keeps nothing: only the form of the file is looked at. */
export class FormOnly implements StateSink {
  loadSession(): void {
    // Counted by the decoder.
  }
  loadAcl(): void {
    // Counted by the decoder.
  }
  loadNode(): string | null {
    return null;
  }
  loaded(): void {
    // There is no state.
  }
  applyTxn(): void {
    // There is no state.
  }
}

/** Looks at a snapshot on its way into a backup: only one that is whole, and of one zxid, may be published. */
export class SnapshotCheck {
  readonly #zxid: number;
  readonly #decoder: SnapshotDecoder = new SnapshotDecoder(new FormOnly(), MOST_RECORD_BYTES);

  constructor(zxid: number) {
    this.#zxid = zxid;
  }

  async *pass(snapshot: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of snapshot) {
      this.#checked(() => this.#decoder.push(chunk));
      yield chunk;
    }
    this.#summary = this.#checked(() => this.#decoder.finish());
    const { digest, lastProcessedZxid } = this.#summary;
    const last = digest !== null && digest.zxid > 0 ? digest.zxid : lastProcessedZxid;
    if (last !== null && last !== this.#zxid) {
      throw new BackupError(
        'unfit',
        null,
        `The snapshot of ${zxidText(this.#zxid)} holds changes up to ${zxidText(last)}: it is not of one point in ` +
          'time, as Apache ZooKeeper writes them. Recover it with its log, and back up the result.',
      );
    }
  }

  #summary: SnapshotSummary | null = null;

  /** What the snapshot holds. It must have passed. */
  get summary(): SnapshotSummary {
    if (this.#summary === null) throw new TypeError('the snapshot has not passed yet');
    return this.#summary;
  }

  /** The digest of the tree as manifests have it; null when the file has none. */
  get digest(): string | null {
    const digest = this.summary.digest;
    return digest === null || digest.zxid !== this.#zxid ? null : digestText(digest.high, digest.low);
  }

  #checked<T>(step: () => T): T {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      throw new BackupError(
        'unfit',
        null,
        `The snapshot of ${zxidText(this.#zxid)} is damaged: ${error.message}.`,
        error,
      );
    }
  }
}

/** A digest as manifests have it: 16 hexadecimal digits. */
export function digestText(high: number, low: number): string {
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
}
