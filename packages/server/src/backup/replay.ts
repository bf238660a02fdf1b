import { counterOf, epochOf, JuteError } from '@headkeeper/protocol';
import { LogFileReader } from '../core/log/log-reader.ts';
import { zxidOfBody } from '../core/log/record-codec.ts';
import { zxidText } from '../core/log/recovery-refused.ts';
import { SnapshotDamaged, SnapshotDecoder, type SnapshotSummary } from '../core/log/snapshot-decoder.ts';
import type { StateSink } from '../core/log/state-sink.ts';
import { BackupError } from './backup-error.ts';
import type { FullEntry, LogEntry } from './catalogue.ts';
import type { Chain, ChainPart } from './chain.ts';
import { inParallel } from './in-parallel.ts';
import type { BackupRepository } from './repository.ts';
import { timeOfBody } from './segment-builder.ts';
import { digestText } from './snapshot-check.ts';

const MANIFESTS_AT_ONCE = 16;

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
    const { signal } = this.#options;
    this.#totalBytes = await this.#measure(chain);
    await loadFull(this.#repository, chain.full, this.#sink, signal, (object, bytes) => this.#advance(object, bytes));
    this.#lastZxid = chain.full.zxid;
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
    const full = await this.#repository.fullManifest(chain.full, signal);
    const logs = await inParallel(chain.parts, MANIFESTS_AT_ONCE, ({ log }) => {
      return this.#repository.logManifest(log, signal);
    });
    return logs.reduce((sum, { file }) => sum + file.plainBytes, full.file.plainBytes);
  }

  async #log(part: ChainPart): Promise<void> {
    if (!follows(this.#lastZxid, part)) {
      throw damaged(part.log.manifest, `it does not go on where ${zxidText(this.#lastZxid)} ends`);
    }
    await readLog(
      this.#repository,
      part.log,
      (bytes, view, start, end, zxid) => {
        if (zxid <= part.afterZxid || zxid > part.toZxid) return;
        applyTxn(this.#sink, part.log, bytes, view, start, end);
        this.#lastZxid = zxid;
        this.#lastTxnTimeMs = timeOfBody(view, start);
        this.#txns++;
      },
      this.#options.signal,
      (object, bytes) => this.#advance(object, bytes),
    );
  }

  #advance(object: string, bytes: number): void {
    this.#bytes += bytes;
    this.#options.progress?.({ object, bytes: this.#bytes, totalBytes: this.#totalBytes, txns: this.#txns });
  }
}

/** Told of the bytes of an object that were read. */
export type ReadProgress = (object: string, bytes: number) => void;

/** One txn of a piece of log: `bytes[start, end)` is its body, valid during the call. */
export type OnTxn = (bytes: Uint8Array, view: DataView, start: number, end: number, zxid: number) => void;

/** Loads a full backup into an empty sink, and checks it. Throws BackupError 'damaged'. */
export async function loadFull(
  repository: BackupRepository,
  full: FullEntry,
  sink: StateSink,
  signal: AbortSignal,
  progress: ReadProgress,
): Promise<void> {
  const manifest = await repository.fullManifest(full, signal);
  const { object } = manifest.file;
  const decoder = new SnapshotDecoder(sink, repository.maxRecordBytes);
  let summary: SnapshotSummary;
  try {
    for await (const chunk of repository.openSnapshot(full, signal)) {
      decoder.push(chunk);
      progress(object, chunk.length);
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
  sink.loaded(full.zxid, full.zxid === 0 ? null : digest);
}

/** Reads a piece of log, and checks that it holds the txns and times that its manifest states. Throws BackupError 'damaged'. */
export async function readLog(
  repository: BackupRepository,
  log: LogEntry,
  onTxn: OnTxn,
  signal: AbortSignal,
  progress: ReadProgress,
): Promise<void> {
  const { file, minTimeMs, maxTimeMs } = await repository.logManifest(log, signal);
  const { object } = file;
  let next = log.firstZxid;
  let earliestMs = Number.POSITIVE_INFINITY;
  let latestMs = Number.NEGATIVE_INFINITY;
  const reader = new LogFileReader(repository.maxRecordBytes, (bytes, view, start, end) => {
    const zxid = zxidOfBody(view, start);
    if (zxid !== next || zxid > log.lastZxid) {
      throw damaged(object, `txn ${zxidText(zxid)} stands where ${zxidText(next)} belongs`);
    }
    next++;
    const timeMs = timeOfBody(view, start);
    if (timeMs < earliestMs) earliestMs = timeMs;
    if (timeMs > latestMs) latestMs = timeMs;
    onTxn(bytes, view, start, end, zxid);
  });
  for await (const chunk of repository.openLog(log, signal)) {
    reader.push(chunk);
    progress(object, chunk.length);
  }
  const end = reader.finish();
  if (end.kind !== 'clean') throw damaged(object, `${end.reason} (at byte ${end.offset})`);
  if (next !== log.lastZxid + 1) {
    throw damaged(object, `it ends before txn ${zxidText(next)}, and its name says that it holds that`);
  }
  // Whoever looks for a time goes by these.
  if (earliestMs !== minTimeMs || latestMs !== maxTimeMs) {
    throw damaged(log.manifest, 'it states other times than the txns have');
  }
}

/** Applies a txn of a piece of log. Throws BackupError 'damaged' when it cannot be decoded. */
export function applyTxn(
  sink: StateSink,
  log: LogEntry,
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
): void {
  try {
    sink.applyTxn(bytes, view, start, end);
  } catch (error) {
    if (!(error instanceof JuteError)) throw error;
    const zxid = zxidText(zxidOfBody(view, start));
    throw damaged(log.manifest, `txn ${zxid} cannot be decoded (${error.message})`, error);
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
