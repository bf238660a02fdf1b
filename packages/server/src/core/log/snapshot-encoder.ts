import { type Acl, copyBytes, encodeUtf8Into, utf8Length } from '@headkeeper/protocol';
import { adler32 } from './checksum.ts';
import type { TreeDigest } from './state-sink.ts';

/** "ZKSN". */
export const SNAPSHOT_MAGIC = 0x5a4b534e;
export const SNAPSHOT_VERSION = 2;
/** The string at the end of a snapshot on the wire: length and "BenWasHere". */
export const SIGNATURE: readonly number[] = [0, 0, 0, 10, 0x42, 0x65, 0x6e, 0x57, 0x61, 0x73, 0x48, 0x65, 0x72, 0x65];
/** The digest function that digest records name (storage-formats reference, section 14). */
export const DIGEST_VERSION = 2;
/** Words of a persisted stat. */
const STAT_WORDS = 15;
/** Bytes of one node beside its path and data. */
const NODE_OVERHEAD_BYTES = 4 + 4 + 8 + 4 * STAT_WORDS;
const FIRST_CHUNK_BYTES = 4 * 1024;
const SLASH = 0x2f;
const TWO_32 = 4294967296;

/**
 * Encodes a snapshot file in Apache's layout (storage-formats reference, section 8), piece by piece: `begin`, `session`
 * for each, `beginAcls`, `acl` for each, `beginNodes`, `node` for each (the root first, as the empty path; parents before
 * children), `end`. Between any two calls `takeChunk` hands over what is complete.
 */
export class SnapshotEncoder {
  readonly #chunkBytes: number;
  readonly #ready: Uint8Array[] = [];
  /** Memory of chunks that were given back. New memory costs more than what is written into it. */
  readonly #spare: Uint8Array[] = [];
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  /** Adler-32 of all finished chunks and of the current one up to `#summed`. */
  #adler = 1;
  #summed = 0;
  #ended = false;

  readonly #forLearner: boolean;

  /**
   * `chunkBytes`: the size of the chunks; the first ones are smaller, each twice as large as the one before, and one is larger
   * only when a single node is. `forLearner`: what a leader sends, which
   * has neither header nor seals but a signature (quorum-protocol reference, 5.4).
   */
  constructor(chunkBytes: number, forLearner = false) {
    this.#chunkBytes = chunkBytes;
    this.#forLearner = forLearner;
    this.#bytes = new Uint8Array(Math.min(FIRST_CHUNK_BYTES, chunkBytes));
    this.#view = new DataView(this.#bytes.buffer);
  }

  begin(sessionCount: number): void {
    if (!this.#forLearner) this.#header();
    this.#int(sessionCount);
  }

  session(idHigh: number, idLow: number, timeoutMs: number): void {
    this.#long(idHigh, idLow);
    this.#int(timeoutMs);
  }

  beginAcls(count: number): void {
    this.#int(count);
  }

  acl(aclId: number, list: readonly Acl[]): void {
    this.#number(aclId);
    this.#int(list.length);
    for (const entry of list) {
      this.#int(entry.perms);
      this.#string(entry.scheme);
      this.#string(entry.id);
    }
  }

  beginNodes(): void {
    // The node part has no prefix of its own: it lasts until the path "/".
  }

  /**
   * `dataLength` -1 writes null data; `aclId` -1 stands for the open list. `stat` holds 15 words from `statAt`, in the
   * file's order: czxid, mzxid, ctime, mtime (each high, low), version, cversion, aversion, owner, pzxid (high, low).
   */
  node(
    pathBytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    dataBytes: Uint8Array,
    dataStart: number,
    dataLength: number,
    aclId: number,
    stat: Int32Array,
    statAt: number,
  ): void {
    const pathLength = pathEnd - pathStart;
    const payload = Math.max(dataLength, 0);
    let at = this.#room(NODE_OVERHEAD_BYTES + pathLength + payload);
    const bytes = this.#bytes;
    const view = this.#view;
    view.setInt32(at, pathLength);
    at += 4;
    copyBytes(pathBytes, pathStart, bytes, at, pathLength);
    at += pathLength;
    view.setInt32(at, dataLength);
    at += 4;
    copyBytes(dataBytes, dataStart, bytes, at, payload);
    at += payload;
    const aclHigh = Math.floor(aclId / TWO_32);
    view.setInt32(at, aclHigh);
    view.setInt32(at + 4, aclId - aclHigh * TWO_32);
    at += 8;
    for (let word = 0; word < STAT_WORDS; word++, at += 4) view.setInt32(at, stat[statAt + word]);
    this.#length = at;
  }

  /**
   * Ends the node part and seals the file. `digest`: of the tree at its zxid, or null to write no digest record;
   * `lastProcessedZxid`: the trailer that 3.9 knows, or null for none.
   */
  end(digest: TreeDigest | null, lastProcessedZxid: number | null): void {
    this.#slash();
    if (this.#forLearner) {
      const at = this.#room(SIGNATURE.length);
      this.#bytes.set(SIGNATURE, at);
      this.#length = at + SIGNATURE.length;
      this.#ended = true;
      return;
    }
    this.#seals(digest, lastProcessedZxid);
  }

  #header(): void {
    this.#int(SNAPSHOT_MAGIC);
    this.#int(SNAPSHOT_VERSION);
    this.#long(-1, -1);
  }

  #seals(digest: TreeDigest | null, lastProcessedZxid: number | null): void {
    this.#seal();
    if (digest !== null) {
      this.#number(digest.zxid);
      this.#int(DIGEST_VERSION);
      this.#long(digest.high, digest.low);
      this.#seal();
    }
    if (lastProcessedZxid !== null) {
      this.#number(lastProcessedZxid);
      this.#seal();
    }
    this.#ended = true;
  }

  /** Begins a file whose sessions, lists and nodes come as bytes, in `received`. */
  beginReceived(): void {
    this.#header();
  }

  /** Bytes of that part, which are copied. */
  received(bytes: Uint8Array, start: number, end: number): void {
    const at = this.#room(end - start);
    this.#bytes.set(bytes.subarray(start, end), at);
    this.#length = at + end - start;
  }

  /** Seals a file begun by `beginReceived`; there is no digest of what another server has written. */
  endReceived(lastProcessedZxid: number | null): void {
    this.#seals(null, lastProcessedZxid);
  }

  /** Full chunks that have not been taken. */
  get fullChunks(): number {
    return this.#ready.length;
  }

  /**
   * The next full chunk, or null when there is none yet; after `end` also the rest. The memory belongs to the caller from
   * then on.
   */
  takeChunk(): Uint8Array | null {
    const chunk = this.#ready.shift();
    if (chunk !== undefined) return chunk;
    if (!this.#ended || this.#length === 0) return null;
    const rest = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return rest;
  }

  /** A chunk that was taken is needed no more: its memory is used again. */
  giveBack(chunk: Uint8Array): void {
    if (!this.#ended && chunk.buffer.byteLength === this.#chunkBytes) this.#spare.push(new Uint8Array(chunk.buffer));
  }

  #seal(): void {
    this.#sum();
    this.#long(0, this.#adler);
    this.#slash();
  }

  #slash(): void {
    this.#int(1);
    const at = this.#room(1);
    this.#bytes[at] = SLASH;
    this.#length = at + 1;
  }

  #int(value: number): void {
    const at = this.#room(4);
    this.#view.setInt32(at, value);
    this.#length = at + 4;
  }

  #long(high: number, low: number): void {
    const at = this.#room(8);
    this.#view.setInt32(at, high);
    this.#view.setInt32(at + 4, low);
    this.#length = at + 8;
  }

  #number(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.#long(high, value - high * TWO_32);
  }

  #string(text: string | null): void {
    if (text === null) {
      this.#int(-1);
      return;
    }
    const count = utf8Length(text);
    this.#int(count);
    const at = this.#room(count);
    encodeUtf8Into(text, this.#bytes, at);
    this.#length = at + count;
  }

  /** Offset of `count` free bytes in one piece; finishes the current chunk when they do not fit. */
  #room(count: number): number {
    if (this.#length + count > this.#bytes.length) {
      this.#sum();
      if (this.#length > 0) this.#ready.push(this.#bytes.subarray(0, this.#length));
      const spare = count <= this.#chunkBytes ? this.#spare.pop() : undefined;
      const usual = Math.min(2 * this.#bytes.length, this.#chunkBytes);
      this.#bytes = spare ?? new Uint8Array(Math.max(count, usual));
      this.#view = new DataView(this.#bytes.buffer);
      this.#length = 0;
      this.#summed = 0;
    }
    return this.#length;
  }

  #sum(): void {
    if (this.#forLearner) return;
    this.#adler = adler32(this.#bytes, this.#summed, this.#length, this.#adler);
    this.#summed = this.#length;
  }
}
