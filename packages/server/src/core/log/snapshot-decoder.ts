import { type Acl, JuteError, Reader } from '@headkeeper/protocol';
import { ByteWindow } from './byte-window.ts';
import { adler32 } from './checksum.ts';
import { DIGEST_VERSION, SIGNATURE, SNAPSHOT_MAGIC, SNAPSHOT_VERSION } from './snapshot-encoder.ts';
import type { StateSink, TreeDigest } from './state-sink.ts';

/** A snapshot file that must not be used. */
export class SnapshotDamaged extends Error {
  /** Position in the uncompressed file, bytes. */
  readonly position: number;

  constructor(position: number, message: string) {
    super(`${message} (at byte ${position} of the snapshot)`);
    this.name = 'SnapshotDamaged';
    this.position = position;
  }
}

export interface SnapshotSummary {
  readonly sessions: number;
  readonly acls: number;
  readonly nodes: number;
  /** What the digest record says; null when there is none, or it names another digest function. */
  readonly digest: TreeDigest | null;
  /** The trailer of 3.9; null when there is none. */
  readonly lastProcessedZxid: number | null;
  /** Size of the uncompressed file. */
  readonly bytes: number;
}

const HEADER_BYTES = 16;
const SESSION_BYTES = 12;
const STAT_BYTES = 60;
/** Access control list id and stat, behind a node's data. */
const NODE_TAIL_BYTES = 8 + STAT_BYTES;
/** A seal: checksum and "/". */
const SEAL_BYTES = 13;
/** More than any known trailers; what goes beyond is not a snapshot. */
const MAX_TRAILER_BYTES = 1 << 16;
const SLASH = 0x2f;
const TWO_32 = 4294967296;

type Part =
  | 'header'
  | 'session-count'
  | 'sessions'
  | 'acl-count'
  | 'acls'
  | 'nodes'
  | 'seal'
  | 'trailers'
  | 'signature'
  | 'done';

/**
 * Decodes an uncompressed snapshot (storage-formats reference, section 8) that arrives in chunks, and hands its parts to a
 * sink. Memory is bounded by one chunk and the largest node. After SnapshotDamaged neither decoder nor sink is usable.
 */
export class SnapshotDecoder {
  readonly #sink: StateSink;
  readonly #maxRecordBytes: number;
  readonly #fromLeader: boolean;
  readonly #window: ByteWindow = new ByteWindow(1 << 12);
  readonly #reader: Reader = new Reader(new Uint8Array(0));
  #part: Part = 'header';
  /** Adler-32 of everything before the window's offset `#summed`. */
  #adler = 1;
  #summed = 0;
  #left = 0;
  #sessions = 0;
  #acls = 0;
  #nodes = 0;

  /**
   * `maxRecordBytes`: the longest path, data or access control list accepted. `fromLeader`: the bytes are those that a leader
   * sends (quorum-protocol reference, 5.4), without header and seals, with a signature at the end.
   */
  constructor(sink: StateSink, maxRecordBytes: number, fromLeader = false) {
    this.#sink = sink;
    this.#maxRecordBytes = maxRecordBytes;
    this.#fromLeader = fromLeader;
    if (fromLeader) this.#part = 'session-count';
  }

  /** Whether the signature at the end of what a leader sends has come. */
  get isComplete(): boolean {
    return this.#part === 'done';
  }

  /** What arrived behind the signature: packets. */
  get rest(): Uint8Array {
    return this.#window.bytes.subarray(this.#window.start, this.#window.end);
  }

  /** Takes the next bytes of the file (copied where needed). Throws SnapshotDamaged. */
  push(bytes: Uint8Array): void {
    this.#window.append(bytes);
    this.#summed = 0;
    while (this.#step()) {
      // Each step decodes one part, or as much of it as has arrived.
    }
    this.#sum();
  }

  /** The file has ended. Throws SnapshotDamaged when it is cut short or a seal is wrong. */
  finish(): SnapshotSummary {
    const window = this.#window;
    if (this.#part !== 'trailers') throw this.#damaged(window.end, 'the file ends too early');
    let digest: TreeDigest | null = null;
    let lastProcessedZxid: number | null = null;
    const left = window.end - window.start;
    // There is no flag for the trailers: the number of bytes tells.
    if (left !== 0 && left !== 8 + SEAL_BYTES) digest = this.#digestRecord();
    if (window.end > window.start) {
      this.#need(8);
      lastProcessedZxid = this.#long(window.start);
      window.start += 8;
      this.#seal();
    }
    return {
      sessions: this.#sessions,
      acls: this.#acls,
      nodes: this.#nodes,
      digest,
      lastProcessedZxid,
      bytes: window.base + window.end,
    };
  }

  /** Decodes what it can of the current part; whether the next part may begin. */
  #step(): boolean {
    const window = this.#window;
    const left = window.end - window.start;
    switch (this.#part) {
      case 'header':
        if (left < HEADER_BYTES + 4) return false;
        this.#header();
        return this.#enter('sessions');
      case 'session-count':
        if (left < 4) return false;
        this.#left = this.#count('sessions');
        return this.#enter('sessions');
      case 'sessions':
        return this.#loadSessions() && this.#enter('acl-count');
      case 'acl-count':
        if (left < 4) return false;
        this.#left = this.#count('access control lists');
        return this.#enter('acls');
      case 'acls':
        return this.#loadAcls() && this.#enter('nodes');
      case 'nodes':
        return this.#loadNodes() && this.#enter(this.#fromLeader ? 'signature' : 'seal');
      case 'seal':
        if (left < SEAL_BYTES) return false;
        this.#seal();
        return this.#enter('trailers');
      case 'signature':
        if (left < SIGNATURE.length) return false;
        this.#signature();
        return this.#enter('done');
      case 'done':
        return false;
      case 'trailers':
        if (left > MAX_TRAILER_BYTES) throw this.#damaged(window.start, 'too much follows the end of the nodes');
        return false;
    }
  }

  #enter(part: Part): true {
    this.#part = part;
    return true;
  }

  #header(): void {
    const window = this.#window;
    if (window.view.getInt32(window.start) !== SNAPSHOT_MAGIC) throw this.#damaged(window.start, 'not a snapshot');
    const version = window.view.getInt32(window.start + 4);
    if (version !== SNAPSHOT_VERSION) throw this.#damaged(window.start + 4, `unknown format version ${version}`);
    window.start += HEADER_BYTES;
    this.#left = this.#count('sessions');
  }

  #signature(): void {
    const window = this.#window;
    if (SIGNATURE.some((byte, at) => window.bytes[window.start + at] !== byte)) {
      throw this.#damaged(window.start, 'the signature at the end is wrong');
    }
    window.start += SIGNATURE.length;
  }

  #count(what: string): number {
    const window = this.#window;
    const count = window.view.getInt32(window.start);
    if (count < 0) throw this.#damaged(window.start, `the number of ${what} is ${count}`);
    window.start += 4;
    return count;
  }

  #loadSessions(): boolean {
    const window = this.#window;
    const view = window.view;
    let at = window.start;
    while (this.#left > 0 && at + SESSION_BYTES <= window.end) {
      this.#sink.loadSession(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8));
      at += SESSION_BYTES;
      this.#left--;
      this.#sessions++;
    }
    window.start = at;
    return this.#left === 0;
  }

  #loadAcls(): boolean {
    const window = this.#window;
    const reader = this.#reader;
    while (this.#left > 0) {
      reader.reset(window.bytes, window.view, window.start, window.end);
      try {
        const aclId = reader.long();
        const list = readAclList(reader);
        if (list === null) throw this.#damaged(window.start, 'an access control list is null');
        this.#sink.loadAcl(aclId, list);
      } catch (error) {
        if (!(error instanceof JuteError)) throw error;
        if (error.reason === 'truncated' && window.end - window.start <= this.#maxRecordBytes) return false;
        throw this.#damaged(window.start, `an access control list is unreadable: ${error.message}`);
      }
      window.start = reader.pos;
      this.#left--;
      this.#acls++;
    }
    return true;
  }

  /** Decodes whole nodes; true after the end mark. No allocation per node. */
  #loadNodes(): boolean {
    const window = this.#window;
    const { bytes, view, end } = window;
    const sink = this.#sink;
    const limit = this.#maxRecordBytes;
    let at = window.start;
    let ended = false;
    while (at + 5 <= end) {
      const pathLength = view.getInt32(at);
      const pathStart = at + 4;
      if (pathLength === 1 && bytes[pathStart] === SLASH) {
        const problem = sink.nodesLoaded?.() ?? null;
        if (problem !== null) throw this.#damaged(at, problem);
        at = pathStart + 1;
        ended = true;
        break;
      }
      if (pathLength < 0 || pathLength > limit) throw this.#damaged(at, `a path of ${pathLength} bytes`);
      const pathEnd = pathStart + pathLength;
      if (pathEnd + 4 > end) break;
      const dataLength = view.getInt32(pathEnd);
      if (dataLength < -1 || dataLength > limit) throw this.#damaged(pathEnd, `data of ${dataLength} bytes`);
      const dataStart = pathEnd + 4;
      const dataEnd = dataLength > 0 ? dataStart + dataLength : dataStart;
      const next = dataEnd + NODE_TAIL_BYTES;
      if (next > end) break;
      const aclHigh = view.getInt32(dataEnd);
      const aclLow = view.getUint32(dataEnd + 4);
      const aclId = aclHigh === 0 ? aclLow : aclHigh * TWO_32 + aclLow;
      const problem = sink.loadNode(bytes, view, pathStart, pathEnd, dataStart, dataLength, aclId, dataEnd + 8);
      if (problem !== null) throw this.#damaged(at, problem);
      this.#nodes++;
      at = next;
    }
    window.start = at;
    return ended;
  }

  #digestRecord(): TreeDigest | null {
    const window = this.#window;
    this.#need(12);
    const zxid = this.#long(window.start);
    const version = window.view.getInt32(window.start + 8);
    window.start += 12;
    let digest: TreeDigest | null = null;
    if (version < DIGEST_VERSION) {
      // The first digest function wrote hexadecimal text.
      this.#need(4);
      const length = window.view.getInt32(window.start);
      if (length < 0) throw this.#damaged(window.start, 'the digest record is unreadable');
      this.#need(4 + length);
      window.start += 4 + length;
    } else {
      this.#need(8);
      const high = window.view.getInt32(window.start);
      const low = window.view.getInt32(window.start + 4);
      if (version === DIGEST_VERSION) digest = { zxid, high, low };
      window.start += 8;
    }
    this.#seal();
    return digest;
  }

  /** Compares the running checksum with the one that stands next. The "/" behind it is not looked at, as in Apache. */
  #seal(): void {
    const window = this.#window;
    this.#need(SEAL_BYTES);
    this.#sum();
    const sealed = this.#long(window.start);
    if (sealed !== this.#adler) {
      throw this.#damaged(window.start, `the checksum is ${this.#adler}, the file says ${sealed}`);
    }
    window.start += SEAL_BYTES;
  }

  #need(count: number): void {
    const window = this.#window;
    if (window.end - window.start < count) throw this.#damaged(window.end, 'the file ends inside a trailer');
  }

  #long(at: number): number {
    const view = this.#window.view;
    return view.getInt32(at) * TWO_32 + view.getUint32(at + 4);
  }

  #sum(): void {
    if (this.#fromLeader) return;
    const window = this.#window;
    this.#adler = adler32(window.bytes, this.#summed, window.start, this.#adler);
    this.#summed = window.start;
  }

  #damaged(at: number, message: string): SnapshotDamaged {
    return new SnapshotDamaged(this.#window.base + at, message);
  }
}

/** Smallest entry of a list: perms and two empty strings. */
const MIN_ACL_BYTES = 12;

function readAclList(reader: Reader): Acl[] | null {
  const count = reader.vectorCount(MIN_ACL_BYTES);
  if (count < 0) return null;
  const list: Acl[] = [];
  for (let i = 0; i < count; i++) {
    const perms = reader.int();
    const scheme = reader.string();
    const id = reader.string();
    list.push({ perms, scheme, id });
  }
  return list;
}

/**
 * Apache's quick check of a snapshot file, by its name's suffix, its size and its first 8 and last 5 bytes (fewer when it
 * is shorter): plain files must end in a seal, compressed ones begin with their format's mark.
 */
export function passesQuickCheck(
  compression: '' | 'gz' | 'snappy',
  size: number,
  head: Uint8Array,
  tail: Uint8Array,
): boolean {
  if (compression === 'gz') return begins(head, GZIP_MARK);
  if (compression === 'snappy') return begins(head, SNAPPY_MARK);
  return size >= 10 && tail.length >= 5 && begins(tail.subarray(tail.length - 5), SEAL_MARK);
}

const GZIP_MARK: readonly number[] = [0x1f, 0x8b];
const SNAPPY_MARK: readonly number[] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const SEAL_MARK: readonly number[] = [0, 0, 0, 1, SLASH];

function begins(bytes: Uint8Array, mark: readonly number[]): boolean {
  return mark.every((byte, at) => bytes[at] === byte);
}
