import { limits } from '../limits.ts';
import { BackupError } from './backup-error.ts';
import { type Catalogue, catalogueOf, type Entry, type FullEntry, type LogEntry } from './catalogue.ts';
import type { Compression } from './compression.ts';
import type { BackupCipher, BackupKey } from './encryption.ts';
import { type BackupHead, cipherOf, decodeHead, encodeHead, newHead } from './head.ts';
import { FORMAT_VERSION, type FullManifest, type LogManifest, type Manifest } from './manifest.ts';
import { decodeFullManifest, decodeLogManifest, encodeManifest } from './manifest-codec.ts';
import { type FullName, HEAD_OBJECT, type LogName, manifestObject, newUid, restoreMarkObject } from './naming.ts';
import { readObject } from './object-reader.ts';
import { putObject } from './object-writer.ts';
import { decodeRestoreMark, encodeRestoreMark, type RestoreMark } from './restore-mark.ts';
import type { LogSegment } from './segment-builder.ts';
import { SnapshotCheck } from './snapshot-check.ts';
import { type BackupTarget, TargetError, type TargetObject } from './target.ts';

/** More than any head or manifest has; what is larger is not read. */
const MOST_SMALL_BYTES = 1 << 20;

export interface FullFacts {
  /** The snapshot is of exactly this zxid. */
  readonly zxid: number;
  /** Time of the last txn in it, epoch milliseconds; null when that is not known. */
  readonly txnTimeMs: number | null;
  readonly takenMs: number;
  /** Who took it, for people. */
  readonly by: string;
  readonly compression: Compression;
}

export interface LogFacts {
  readonly publishedMs: number;
  readonly by: string;
  readonly compression: Compression;
}

/** Resolves when the work may go on. */
export type Between = () => Promise<void>;

/**
 * A backup in a target. Whatever is kept is put as data first, and exists from the moment its manifest is there. Methods throw
 * BackupError, TargetError, or the signal's reason.
 */
export class BackupRepository {
  readonly target: BackupTarget;
  readonly head: BackupHead;
  /** The longest txn, path or data that is read from it, bytes. */
  readonly maxRecordBytes: number;
  readonly #cipher: BackupCipher | null;
  /** Manifests by name: they never change. */
  readonly #manifests: Map<string, Manifest> = new Map();

  private constructor(target: BackupTarget, head: BackupHead, cipher: BackupCipher | null, maxRecordBytes: number) {
    this.target = target;
    this.head = head;
    this.maxRecordBytes = maxRecordBytes;
    this.#cipher = cipher;
  }

  /**
   * Opens the backup in a target. `key`: null when it is not encrypted. `maxRecordBytes`: the longest txn, path or data that
   * is taken for one; what is longer is damage, so that no file that somebody has put there can take all memory.
   */
  static async open(
    target: BackupTarget,
    key: BackupKey | null,
    signal: AbortSignal,
    maxRecordBytes: number = limits.backupRecordBytes,
  ): Promise<BackupRepository> {
    const bytes = await readSmall(target, HEAD_OBJECT, signal);
    if (bytes === null) {
      throw new BackupError(
        'no-backup',
        HEAD_OBJECT,
        `There is no backup in ${target.description}: it holds no ${HEAD_OBJECT}. Check the name of the target.`,
      );
    }
    const head = decodeHead(bytes);
    return new BackupRepository(target, head, cipherOf(head, key, target.description), maxRecordBytes);
  }

  /** As `open`; makes a backup in a target that holds none. `nowMs`: epoch milliseconds, for its head. */
  static async openOrCreate(
    target: BackupTarget,
    key: BackupKey | null,
    nowMs: number,
    signal: AbortSignal,
    maxRecordBytes: number = limits.backupRecordBytes,
  ): Promise<BackupRepository> {
    if ((await readSmall(target, HEAD_OBJECT, signal)) === null) {
      await refuseHeadless(target, signal);
      try {
        await target.put(HEAD_OBJECT, encodeHead(newHead(key, nowMs)), signal);
      } catch (error) {
        // Another server was faster: its head counts.
        if (!(error instanceof TargetError) || error.failure !== 'exists') throw error;
      }
      // The salt of all keys is in the head: what one server encrypts nobody can read if another one's head takes its place.
      await target.settled(signal);
    }
    return BackupRepository.open(target, key, signal, maxRecordBytes);
  }

  /** Whether the target still holds the head of this backup: it may have been emptied, or another one be mounted there. */
  async isInPlace(signal: AbortSignal): Promise<boolean> {
    const bytes = await readSmall(this.target, HEAD_OBJECT, signal);
    return bytes !== null && decodeHead(bytes).id === this.head.id;
  }

  /** Whether the target has a manifest of this name, whatever its listings show. */
  async holds(manifest: string, signal: AbortSignal): Promise<boolean> {
    return (await readSmall(this.target, manifest, signal)) !== null;
  }

  /** What there is, by one listing of the target. */
  async catalogue(signal: AbortSignal): Promise<Catalogue> {
    const objects: TargetObject[] = [];
    for await (const object of this.target.list('', signal)) objects.push(object);
    return catalogueOf(objects.filter(({ name }) => name !== HEAD_OBJECT));
  }

  /** The manifest of a full backup, checked. BackupError 'damaged' means: it does not count as published. */
  async fullManifest(entry: FullEntry, signal: AbortSignal): Promise<FullManifest> {
    const known = this.#manifests.get(entry.manifest);
    if (known?.kind === 'full') return known;
    return this.#kept(
      entry.manifest,
      decodeFullManifest(entry, await this.#manifestBytes(entry, signal), this.#cipher),
    );
  }

  /** The manifest of a piece of log, checked. */
  async logManifest(entry: LogEntry, signal: AbortSignal): Promise<LogManifest> {
    const known = this.#manifests.get(entry.manifest);
    if (known?.kind === 'log') return known;
    return this.#kept(entry.manifest, decodeLogManifest(entry, await this.#manifestBytes(entry, signal), this.#cipher));
  }

  /** Whether a manifest of this name was read here and found to be sound. */
  isPublished(manifest: string): boolean {
    return this.#manifests.has(manifest);
  }

  /** The manifest of either. */
  manifest(entry: Entry, signal: AbortSignal): Promise<Manifest> {
    return entry.kind === 'full' ? this.fullManifest(entry, signal) : this.logManifest(entry, signal);
  }

  /**
   * Keeps a snapshot, plain and in Apache's format, that is of exactly one zxid. It is decoded on its way: a damaged one is
   * refused (BackupError 'unfit') and not published. When this returns the backup is safe. `between` as in `putLog`.
   */
  async putFull(
    snapshot: AsyncIterable<Uint8Array>,
    facts: FullFacts,
    signal: AbortSignal,
    between: Between | null = null,
  ): Promise<FullManifest> {
    const { zxid, txnTimeMs, takenMs, by, compression } = facts;
    const name: FullName = { kind: 'full', zxid, uid: newUid() };
    const check = new SnapshotCheck(zxid);
    const options = { compression, cipher: this.#cipher, isInThread: between !== null, plainSha256: null };
    const file = await putObject(this.target, name, withPauses(check.pass(snapshot), between), options, signal);
    const { nodes: znodes, sessions } = check.summary;
    const { digest } = check;
    return this.#publish(
      name,
      { kind: 'full', format: FORMAT_VERSION, file, zxid, digest, znodes, sessions, txnTimeMs, takenMs, by },
      signal,
    );
  }

  /**
   * Keeps a piece of log. When this returns it is safe. `between`: all work is done in the calling thread, which gives way to
   * others, and this is waited for between parts of it.
   */
  async putLog(
    segment: LogSegment,
    facts: LogFacts,
    signal: AbortSignal,
    between: Between | null = null,
  ): Promise<LogManifest> {
    const { pieces, plainBytes: _, plainSha256, ...about } = segment;
    const { publishedMs, by, compression } = facts;
    const { afterZxid, firstZxid, lastZxid } = segment;
    const name: LogName = { kind: 'log', afterZxid, firstZxid, lastZxid, uid: newUid() };
    const options = { compression, cipher: this.#cipher, isInThread: between !== null, plainSha256 };
    const file = await putObject(this.target, name, withPauses(pieces, between), options, signal);
    return this.#publish(name, { kind: 'log', format: FORMAT_VERSION, file, ...about, publishedMs, by }, signal);
  }

  /** The plain snapshot. Believe it only once the stream has ended: its checksums are compared last. */
  async *openSnapshot(entry: FullEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { file } = await this.fullManifest(entry, signal);
    yield* readObject(this.target, file, this.#cipher, signal);
  }

  /** The plain log file. Believe it only once the stream has ended. */
  async *openLog(entry: LogEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { file } = await this.logManifest(entry, signal);
    yield* readObject(this.target, file, this.#cipher, signal);
  }

  /**
   * Says in the target that a restore goes on in this epoch. False: another one does already. When this returns true no other
   * restore that marks the target does.
   */
  async markRestore(mark: RestoreMark, signal: AbortSignal): Promise<boolean> {
    try {
      await this.target.put(restoreMarkObject(mark.epoch), encodeRestoreMark(mark, this.#cipher), signal);
    } catch (error) {
      if (error instanceof TargetError && error.failure === 'exists') return false;
      throw error;
    }
    await this.target.settled(signal);
    return (await this.restoreMark(mark.epoch, signal)).id === mark.id;
  }

  /** The mark of the restore that goes on in an epoch, checked. */
  async restoreMark(epoch: number, signal: AbortSignal): Promise<RestoreMark> {
    const object = restoreMarkObject(epoch);
    const bytes = await readSmall(this.target, object, signal);
    if (bytes === null) throw new BackupError('damaged', object, `${object} is not there although it was listed.`);
    return decodeRestoreMark(epoch, bytes, this.#cipher);
  }

  /** Removes a full backup or a piece of log: the manifest first, so that it never seems to be there. */
  async remove(entry: Entry, signal: AbortSignal): Promise<void> {
    this.#manifests.delete(entry.manifest);
    await this.target.remove(entry.manifest, signal);
    if (entry.data !== null) await this.target.remove(entry.data.name, signal);
  }

  async #publish<M extends Manifest>(name: FullName | LogName, manifest: M, signal: AbortSignal): Promise<M> {
    const object = manifestObject(name);
    await this.target.put(object, encodeManifest(object, manifest, this.#cipher), signal);
    return this.#kept(object, manifest);
  }

  #kept<M extends Manifest>(object: string, manifest: M): M {
    this.#manifests.set(object, manifest);
    return manifest;
  }

  async #manifestBytes(entry: Entry, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = await readSmall(this.target, entry.manifest, signal);
    if (bytes !== null) return bytes;
    throw new BackupError(
      'damaged',
      entry.manifest,
      `${entry.manifest} is not there although it was listed: it was removed meanwhile, or the listing was old.`,
    );
  }
}

/** Somebody's files without a head are no place for a backup, unless they are what a backup is made of. */
async function refuseHeadless(target: BackupTarget, signal: AbortSignal): Promise<void> {
  const objects: TargetObject[] = [];
  for await (const object of target.list('', signal)) objects.push(object);
  const { fulls, logs } = catalogueOf(objects);
  const entry = fulls[0] ?? logs[0];
  if (entry === undefined) return;
  throw new BackupError(
    'damaged',
    HEAD_OBJECT,
    `${target.description} holds parts of a backup (${entry.manifest}) but no ${HEAD_OBJECT}. Put that object back, or name ` +
      'an empty target.',
  );
}

/** The bytes of a small object; null when there is no such object. */
async function readSmall(target: BackupTarget, object: string, signal: AbortSignal): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of target.get(object, signal)) {
      bytes += chunk.length;
      if (bytes > MOST_SMALL_BYTES) {
        throw new BackupError(
          'damaged',
          object,
          `${object} does not count: it is far larger than such an object can be.`,
        );
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof TargetError && error.failure === 'missing') return null;
    throw error;
  }
  return Buffer.concat(chunks);
}

async function* withPauses(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  between: Between | null,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield piece;
    await between?.();
  }
}
