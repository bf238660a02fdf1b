import { decodeUtf8, encodeUtf8 } from '@headkeeper/protocol';
import { LOG_HEADER_BYTES, RecordReader } from '@headkeeper/server/internal';
import { type SimDisk, SimInode } from '@headkeeper/testkit';
import { DATA_DIR, LOG_DIR } from '../node/node-settings.ts';
import type { Trace } from '../world/trace.ts';
import { txnHash } from './history.ts';
import { law, zxidText } from './violation.ts';

const LOG_FOLDER = `${LOG_DIR}/version-2`;
const DATA_FOLDER = `${DATA_DIR}/version-2`;
const LONGEST_RECORD = 4 << 20;
const TWO_32 = 4294967296;

/** The whole records of one log file, as far as they have been read. */
interface ReadFile {
  readonly inode: SimInode;
  version: number;
  rewrites: number;
  offset: number;
  readonly zxids: number[];
  readonly hashes: number[];
}

/** A file that holds an epoch. */
interface EpochFile {
  readonly name: string;
  readonly inode: SimInode;
  version: number;
}

type Names = ReturnType<SimDisk['durableFiles']>;

/**
 * What of a server's log, snapshots and epochs is really on its disk: content that any crash leaves, under names that any crash
 * leaves. Read again only as far as it has changed.
 */
export class DurableState {
  readonly #disk: SimDisk;
  readonly #sid: number;
  #version = -1;
  /** What was named in the folders when they were looked at last. */
  #logNames: Names | null = null;
  #dataNames: Names | null = null;
  #files: ReadFile[] = [];
  #epochs: EpochFile[] = [];
  #snapshot = -1;
  #accepted = 0;
  #current = 0;
  #last = 0;
  /** Whether the disk is taken to keep what it has promised, so that the laws about it hold. */
  #isTrusted = true;
  readonly #names: Map<string, number> = new Map();
  readonly #reader: RecordReader = new RecordReader(LONGEST_RECORD);

  constructor(disk: SimDisk, sid: number) {
    this.#disk = disk;
    this.#sid = sid;
  }

  /** The disk has been replaced: what it promised is gone with it. */
  forget(): void {
    this.#files = [];
    this.#logNames = null;
    this.#dataNames = null;
    this.#accepted = 0;
    this.#current = 0;
    this.#version = -1;
  }

  /** What is on the disk may have been broken from outside: it is read as it is, and what it promised before counts no longer. */
  distrust(): void {
    this.forget();
    this.#isTrusted = false;
  }

  /** The server has mended what was broken. */
  trust(): void {
    this.#isTrusted = true;
    this.#dataNames = null;
  }

  /** The zxid of the newest snapshot; -1 without one. */
  get snapshot(): number {
    this.#refresh();
    return this.#snapshot;
  }

  get acceptedEpoch(): number {
    this.#refresh();
    return this.#accepted;
  }

  get currentEpoch(): number {
    this.#refresh();
    return this.#current;
  }

  /** The last zxid of snapshot or log. */
  get last(): number {
    this.#refresh();
    return Math.max(this.#last, this.#snapshot);
  }

  /** Mixes everything that any crash would leave into a trace. */
  mixInto(trace: Trace): void {
    for (const folder of [LOG_FOLDER, DATA_FOLDER]) {
      for (const [name, entry] of this.#disk.durableFiles(folder)) {
        trace.mixBytes(encodeUtf8(name));
        if (entry instanceof SimInode) trace.mixBytes(entry.durableBytes.subarray(0, entry.durableLength));
      }
    }
  }

  /** Whether the txn is in the log, or older than the newest snapshot. */
  holds(zxid: number, hash: number): boolean {
    const found = this.hashOf(zxid);
    if (found !== null) return found === hash;
    return zxid <= this.#snapshot;
  }

  /** Whether the log or a snapshot has it, whatever it is. */
  reaches(zxid: number): boolean {
    return this.hashOf(zxid) !== null || zxid <= this.#snapshot;
  }

  /** The hash of a txn in the log; null when it is not there. */
  hashOf(zxid: number): number | null {
    this.#refresh();
    for (const { zxids, hashes } of this.#files) {
      if (zxids.length === 0 || (zxids[0] as number) > zxid || (zxids.at(-1) as number) < zxid) continue;
      let low = 0;
      let high = zxids.length - 1;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((zxids[middle] as number) < zxid) low = middle + 1;
        else high = middle;
      }
      if (zxids[low] === zxid) return hashes[low] as number;
    }
    return null;
  }

  #refresh(): void {
    if (this.#version === this.#disk.durableVersion) return;
    this.#version = this.#disk.durableVersion;
    this.#readLogs();
    this.#readData();
  }

  #readLogs(): void {
    const names = this.#disk.durableFiles(LOG_FOLDER);
    if (names !== this.#logNames) this.#listLogs(names);
    this.#last = 0;
    for (const file of this.#files) {
      const { inode } = file;
      if (file.rewrites !== inode.rewrites) {
        file.rewrites = inode.rewrites;
        file.version = -1;
        file.offset = LOG_HEADER_BYTES;
        file.zxids.length = 0;
        file.hashes.length = 0;
      }
      if (file.version !== inode.durableVersion) this.#readOn(file);
      const { zxids } = file;
      if (zxids.length > 0) this.#last = Math.max(this.#last, zxids[zxids.length - 1] as number);
    }
  }

  #listLogs(names: Names): void {
    const before = new Map(this.#files.map((file) => [file.inode, file]));
    this.#files = [];
    for (const [name, inode] of names) {
      if (!name.startsWith('log.') || !(inode instanceof SimInode)) continue;
      const fresh = { inode, version: -1, rewrites: inode.rewrites, offset: LOG_HEADER_BYTES, zxids: [], hashes: [] };
      this.#files.push(before.get(inode) ?? fresh);
    }
    this.#logNames = names;
  }

  #readOn(file: ReadFile): void {
    const { inode } = file;
    file.version = inode.durableVersion;
    const bytes = inode.durableBytes;
    const end = Math.min(inode.durableLength, bytes.length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const reader = this.#reader;
    reader.reset(bytes, view, file.offset, end, true);
    while (file.offset < end && reader.next() === 'record') {
      const at = reader.bodyStart + 12;
      file.zxids.push(view.getInt32(at) * TWO_32 + view.getUint32(at + 4));
      file.hashes.push(txnHash(bytes, reader.bodyStart, reader.bodyEnd));
      file.offset = reader.pos;
    }
  }

  #readData(): void {
    const names = this.#disk.durableFiles(DATA_FOLDER);
    if (names !== this.#dataNames) this.#listData(names);
    for (const file of this.#epochs) {
      const { name, inode } = file;
      if (file.version === inode.durableVersion) continue;
      file.version = inode.durableVersion;
      if (name === 'acceptedEpoch') this.#accepted = this.#epochIn(inode, name, this.#accepted);
      else this.#current = this.#epochIn(inode, name, this.#current);
    }
    if (!this.#isTrusted) return;
    law(this.#accepted >= this.#current, 'epochs on disk', () => {
      return `server ${this.#sid} has accepted epoch ${this.#accepted} and current epoch ${this.#current}`;
    });
    const { last } = this;
    const ofLog = Math.floor(last / TWO_32);
    // The current epoch is raised last of all, so for a moment the log may be ahead of it.
    law(this.#accepted >= ofLog || (this.#current === 0 && this.#accepted === 0), 'epochs on disk', () => {
      return `server ${this.#sid} has ${zxidText(last)} on disk and accepted epoch ${this.#accepted}`;
    });
  }

  #listData(names: Names): void {
    this.#snapshot = -1;
    this.#epochs = [];
    for (const [name, inode] of names) {
      if (!(inode instanceof SimInode)) continue;
      if (name.startsWith('snapshot.')) this.#snapshot = Math.max(this.#snapshot, this.#zxidOf(name));
      else if (name === 'acceptedEpoch' || name === 'currentEpoch') this.#epochs.push({ name, inode, version: -1 });
    }
    this.#dataNames = names;
  }

  /** The zxid in a snapshot's name; -1 for names that only look like one. */
  #zxidOf(name: string): number {
    let zxid = this.#names.get(name);
    if (zxid === undefined) {
      const match = /^snapshot\.([0-9a-f]+)$/.exec(name);
      zxid = match === null ? -1 : Number.parseInt(match[1] as string, 16);
      this.#names.set(name, zxid);
    }
    return zxid;
  }

  #epochIn(inode: SimInode, name: string, before: number): number {
    const text = decodeUtf8(inode.durableBytes, 0, Math.min(inode.durableLength, inode.durableBytes.length)).trim();
    const epoch = /^\d+$/.test(text) ? Number(text) : -1;
    if (!this.#isTrusted) return Math.max(0, epoch);
    law(epoch >= before, 'epochs on disk', () => `server ${this.#sid}: ${name} goes from ${before} to "${text}"`);
    return epoch;
  }
}
