import { JuteError } from '@headkeeper/protocol';
import { LogFileReader } from '../core/log/log-reader.ts';
import { zxidOfBody } from '../core/log/record-codec.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import { SnapshotDamaged, SnapshotDecoder, type SnapshotSummary } from '../core/log/snapshot-decoder.ts';
import type { StateSink } from '../core/log/state-sink.ts';
import { BackupError } from './backup-error.ts';
import type { FullEntry, LogEntry } from './catalogue.ts';
import type { Chain, ChainPart } from './chain.ts';
import { counterOf, epochOf } from './naming.ts';
import type { BackupRepository } from './repository.ts';
import { timeOfBody } from './segment-builder.ts';
import { digestText, MOST_RECORD_BYTES } from './snapshot-check.ts';

/** How far a replay has come. Bytes are plain bytes; the totals are known from the start. */
export interface ReplayProgress {
  readonly object: string;
  readonly bytes: number;
  readonly totalBytes: number;
  readonly txns: number;
}

export interface ReplayOptions {
  readonly signal: AbortSignal;
  /** Told after every chunk that was read. */
  readonly progress?: (progress: ReplayProgress) => void;
}

export interface ReplaySummary {
  readonly fullZxid: number;
  /** The state is that of this zxid. */
  readonly lastZxid: number;
  readonly txns: number;
  /** Header time of the last txn applied; null when the chain has none behind its full backup. */
  readonly lastTxnTimeMs: number | null;
  readonly plainBytes: number;
}

/**
 * Brings a sink to the state of a chain's end: its snapshot, then every txn up to `toZxid`. Each checksum, each record and the
 * continuity of the zxids is checked. To look at the txns wrap the sink's `applyTxn`. Throws BackupError 'damaged' naming the
 * object at fault; the sink is then of no use.
 */
export async function replayChain(
  repository: BackupRepository,
  chain: Chain,
  sink: StateSink,
  options: ReplayOptions,
): Promise<ReplaySummary> {
  return new Replay(repository, sink, options).run(chain);
}

class Replay {
  readonly #repository: BackupRepository;
  readonly #sink: StateSink;
  readonly #options: ReplayOptions;
  #bytes = 0;
  #totalBytes = 0;
  #lastZxid = 0;
  #txns = 0;
  #lastTxnTimeMs: number | null = null;

  constructor(repository: BackupRepository, sink: StateSink, options: ReplayOptions) {
    this.#repository = repository;
    this.#sink = sink;
    this.#options = options;
  }

  async run(chain: Chain): Promise<ReplaySummary> {
    this.#totalBytes = await this.#measure(chain);
    await this.#snapshot(chain.full);
    for (const part of chain.parts) await this.#log(part);
    return {
      fullZxid: chain.full.zxid,
      lastZxid: this.#lastZxid,
      txns: this.#txns,
      lastTxnTimeMs: this.#lastTxnTimeMs,
      plainBytes: this.#bytes,
    };
  }

  async #measure(chain: Chain): Promise<number> {
    const { signal } = this.#options;
    let bytes = (await this.#repository.fullManifest(chain.full, signal)).file.plainBytes;
    for (const { log } of chain.parts) bytes += (await this.#repository.logManifest(log, signal)).file.plainBytes;
    return bytes;
  }

  async #snapshot(full: FullEntry): Promise<void> {
    const { signal } = this.#options;
    const manifest = await this.#repository.fullManifest(full, signal);
    const { object } = manifest.file;
    const decoder = new SnapshotDecoder(this.#sink, MOST_RECORD_BYTES);
    let summary: SnapshotSummary;
    try {
      for await (const chunk of this.#repository.openSnapshot(full, signal)) {
        decoder.push(chunk);
        this.#advance(object, chunk.length);
      }
      summary = decoder.finish();
    } catch (error) {
      if (!(error instanceof SnapshotDamaged)) throw error;
      throw damaged(object, error.message, error);
    }
    const digest = summary.digest?.zxid === full.zxid ? summary.digest : null;
    if (manifest.digest !== null && (digest === null || digestText(digest.high, digest.low) !== manifest.digest)) {
      throw damaged(object, 'it has another digest than its manifest states');
    }
    this.#sink.loaded(full.zxid, full.zxid === 0 ? null : digest);
    this.#lastZxid = full.zxid;
  }

  async #log(part: ChainPart): Promise<void> {
    const { signal } = this.#options;
    const { log } = part;
    const { file } = await this.#repository.logManifest(log, signal);
    if (!follows(this.#lastZxid, part)) {
      throw damaged(file.object, `it does not go on where ${zxidText(this.#lastZxid)} ends`);
    }
    const check = new RecordOrder(file.object, log);
    const reader = new LogFileReader(MOST_RECORD_BYTES, (bytes, view, start, end) => {
      const zxid = zxidOfBody(view, start);
      check.next(zxid);
      if (zxid <= part.afterZxid || zxid > part.toZxid) return;
      this.#apply(file.object, bytes, view, start, end, zxid);
    });
    for await (const chunk of this.#repository.openLog(log, signal)) {
      reader.push(chunk);
      this.#advance(file.object, chunk.length);
    }
    const end = reader.finish();
    if (end.kind !== 'clean') throw damaged(file.object, `${end.reason} (at byte ${end.offset})`);
    check.end();
  }

  #apply(object: string, bytes: Uint8Array, view: DataView, start: number, end: number, zxid: number): void {
    try {
      this.#sink.applyTxn(bytes, view, start, end);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      throw damaged(object, `txn ${zxidText(zxid)} cannot be decoded (${error.message})`, error);
    }
    this.#lastZxid = zxid;
    this.#lastTxnTimeMs = timeOfBody(view, start);
    this.#txns++;
  }

  #advance(object: string, bytes: number): void {
    this.#bytes += bytes;
    this.#options.progress?.({ object, bytes: this.#bytes, totalBytes: this.#totalBytes, txns: this.#txns });
  }
}

/** Makes sure that a piece of log holds the txns that its name states, all of them and no others. */
export class RecordOrder {
  readonly #object: string;
  readonly #log: LogEntry;
  #next: number;

  constructor(object: string, log: LogEntry) {
    this.#object = object;
    this.#log = log;
    this.#next = log.firstZxid;
  }

  next(zxid: number): void {
    if (zxid !== this.#next || zxid > this.#log.lastZxid) {
      throw damaged(this.#object, `txn ${zxidText(zxid)} stands where ${zxidText(this.#next)} belongs`);
    }
    this.#next++;
  }

  end(): void {
    if (this.#next === this.#log.lastZxid + 1) return;
    throw damaged(this.#object, `it ends before txn ${zxidText(this.#next)}, and its name says that it holds that`);
  }
}

/** Whether the first txn that a part adds is the one right behind `last`. */
function follows(last: number, part: ChainPart): boolean {
  if (part.afterZxid !== last) return false;
  if (last >= part.log.firstZxid - 1) return true;
  return counterOf(part.log.firstZxid) === 1 && epochOf(last) < epochOf(part.log.firstZxid);
}

function damaged(object: string, what: string, cause?: unknown): BackupError {
  return new BackupError('damaged', object, `${object} is damaged: ${what}.`, cause);
}
