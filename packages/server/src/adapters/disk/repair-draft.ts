/** A damaged history that is being put together again, in folders beside the one that counts. */

import { Writer } from '@headkeeper/protocol';
import { adler32 } from '../../core/log/checksum.ts';
import { beginRecord, endRecord, LOG_HEADER_BYTES, writeLogFileHeader } from '../../core/log/record-codec.ts';
import type { RecoverySource } from '../../core/log/recovery-source.ts';
import type { DiskFile } from '../../ports.ts';
import { finishRepair, repairableFolders, repairFolders } from './damage.ts';
import { decideEpochs, readEpochTexts } from './epoch-files.ts';
import { logName, zxidOfName } from './file-names.ts';
import type { HistoryFolders } from './history-folders.ts';
import { writeLoggedMark } from './logged-mark.ts';
import { createRecoverySource, readFully } from './recovery-files.ts';
import { type FoundPlace, newestIntactSnapshot, type SalvagedFiles, salvageHistory } from './salvage.ts';

const PIECE_BYTES = 1 << 20;

/** What came of it is not the history that was wanted; the words say why. */
export class RepairFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RepairFailed';
  }
}

/** What a start would make of a history. */
export interface Examination {
  readonly snapshotZxid: number;
  readonly lastZxid: number;
  /** The first thing that is wrong with it; null: nothing. */
  readonly fault: string | null;
}

/** A snapshot that comes from another server. */
export interface SnapshotArrival {
  write(bytes: Uint8Array): void;
  /** All of it is here; whether it is in order. */
  complete(): boolean;
  abandon(): void;
}

export class RepairDraft {
  readonly files: SalvagedFiles;
  readonly #folders: HistoryFolders;
  readonly #aside: HistoryFolders;
  readonly #draft: HistoryFolders;
  readonly #maxRecordBytes: number;
  readonly #examine: (source: RecoverySource) => Examination;
  /** Snapshots that come from other servers. */
  readonly #arriving: Set<DiskFile> = new Set();

  /** `aside`: where the damaged history is. Removes what an earlier attempt has left. Throws what the disk throws. */
  constructor(
    folders: HistoryFolders,
    aside: HistoryFolders,
    maxRecordBytes: number,
    examine: (source: RecoverySource) => Examination,
  ) {
    this.#examine = examine;
    this.#folders = folders;
    this.#aside = aside;
    this.#draft = repairFolders(folders);
    this.#maxRecordBytes = maxRecordBytes;
    this.files = salvageHistory(aside, maxRecordBytes);
    const { disk, dataDir, dataLogDir } = folders;
    for (const folder of new Set([this.#draft.snapshotFolder, this.#draft.logFolder])) {
      if (!disk.existsSync(folder)) disk.makeFolderSync(folder);
      for (const name of disk.listSync(folder)) disk.removeSync(`${folder}/${name}`);
    }
    for (const parent of new Set([dataDir, dataLogDir])) disk.syncDirSync(parent);
  }

  /** Whether nothing else has taken the place of the damaged history since. */
  get isWanted(): boolean {
    return repairableFolders(this.#folders) !== null;
  }

  /** The newest own snapshot that is intact, which the history can begin with; null without one. */
  ownSnapshot(): number | null {
    return newestIntactSnapshot(this.#aside, Number.MAX_SAFE_INTEGER, this.#maxRecordBytes)?.zxid ?? null;
  }

  /** Takes in a snapshot of another server, under the name that it has there; null: that is no name of a snapshot. */
  receive(name: string): SnapshotArrival | null {
    const zxid = zxidOfName('snapshot', name);
    if (zxid === null || !/^snapshot\.[0-9a-f]+(\.gz|\.snappy)?$/.test(name)) return null;
    const { disk, snapshotFolder } = this.#draft;
    const path = `${snapshotFolder}/${name}`;
    const file = disk.createSync(path);
    this.#arriving.add(file);
    const close = (): void => {
      this.#arriving.delete(file);
      file.closeSync();
    };
    let length = 0;
    return {
      write: (bytes) => {
        file.writeSync(bytes, 0, bytes.length, length);
        length += bytes.length;
      },
      complete: () => {
        file.dataSyncSync();
        close();
        if (newestIntactSnapshot(this.#draft, Number.MAX_SAFE_INTEGER, this.#maxRecordBytes)?.name === name)
          return true;
        disk.removeSync(path);
        return false;
      },
      abandon: () => {
        close();
        disk.removeSync(path);
      },
    };
  }

  /** Closes what is still arriving; it stays where it is until the next attempt, or for ever, and counts for nothing. */
  close(): void {
    for (const file of this.#arriving) {
      try {
        file.closeSync();
      } catch {
        // What the disk says of a file that nobody wants is of no use.
      }
    }
    this.#arriving.clear();
  }

  /**
   * Writes the history that begins with snapshot `base` and goes on with these txns; `bodyOf` has those that are not intact here.
   * Then reads it as a start would. Throws RepairFailed when that does not lead where it should, and what the disk throws.
   */
  write(base: number, zxids: readonly number[], bodyOf: (zxid: number) => Uint8Array | null): void {
    const { disk, snapshotFolder, logFolder } = this.#draft;
    const lastZxid = zxids[zxids.length - 1] ?? base;
    const { damage } = decideEpochs(readEpochTexts(disk, this.#aside.snapshotFolder), lastZxid);
    if (damage !== null) throw new RepairFailed(damage);
    if (newestIntactSnapshot(this.#draft, base, this.#maxRecordBytes)?.zxid !== base) this.#copySnapshot(base);
    if (zxids.length > 0) this.#writeLog(zxids, bodyOf);
    writeLoggedMark(disk, logFolder, base, zxids);
    for (const folder of new Set([snapshotFolder, logFolder])) disk.syncDirSync(folder);
    this.#verify(base, lastZxid);
  }

  /** Puts what was written into its place: from then on it is this server's history. Throws what the disk throws. */
  finish(lastZxid: number): void {
    finishRepair(this.#folders, lastZxid);
  }

  #copySnapshot(base: number): void {
    const { disk } = this.#draft;
    const own = newestIntactSnapshot(this.#aside, base, this.#maxRecordBytes);
    if (own?.zxid !== base) throw new RepairFailed(`snapshot.${base.toString(16)} is not there any more`);
    const source = disk.openReadSync(`${this.#aside.snapshotFolder}/${own.name}`);
    const file = disk.createSync(`${this.#draft.snapshotFolder}/${own.name}`);
    try {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, source.size));
      for (let at = 0; at < source.size; ) {
        const count = source.readSync(piece, 0, piece.length, at);
        if (count === 0) break;
        file.writeSync(piece, 0, count, at);
        at += count;
      }
      file.dataSyncSync();
    } finally {
      source.closeSync();
      file.closeSync();
    }
  }

  #writeLog(zxids: readonly number[], bodyOf: (zxid: number) => Uint8Array | null): void {
    const { disk, logFolder } = this.#draft;
    const file = disk.createSync(`${logFolder}/${logName(zxids[0] as number)}`);
    const out = new Writer(PIECE_BYTES);
    writeLogFileHeader(out.bytes);
    out.length = LOG_HEADER_BYTES;
    let position = 0;
    const flush = (): void => {
      file.writeSync(out.bytes, 0, out.length, position);
      position += out.length;
      out.length = 0;
    };
    const readers = new Map<string, (place: FoundPlace) => Uint8Array>();
    const closers: (() => void)[] = [];
    try {
      for (const zxid of zxids) {
        const place = this.files.places.get(zxid);
        const body = place === undefined ? bodyOf(zxid) : this.#read(place, readers, closers);
        if (body === null) throw new RepairFailed(`txn 0x${zxid.toString(16)} is not there`);
        const at = beginRecord(out);
        out.raw(body, 0, body.length);
        endRecord(out, at);
        if (out.length > PIECE_BYTES) flush();
      }
      flush();
      file.dataSyncSync();
    } finally {
      for (const close of closers) close();
      (file as DiskFile).closeSync();
    }
  }

  #read(
    place: FoundPlace,
    readers: Map<string, (place: FoundPlace) => Uint8Array>,
    closers: (() => void)[],
  ): Uint8Array {
    let reader = readers.get(place.file);
    if (reader === undefined) {
      const source = this.#draft.disk.openReadSync(`${this.#aside.logFolder}/${place.file}`);
      closers.push(() => source.closeSync());
      reader = ({ offset, length, adler }) => {
        const body = new Uint8Array(length);
        readFully(source, body, offset);
        if (adler32(body, 0, length) !== adler) throw new RepairFailed(`${place.file} is not what it was a moment ago`);
        return body;
      };
      readers.set(place.file, reader);
    }
    return reader(place);
  }

  #verify(base: number, lastZxid: number): void {
    const { disk, snapshotFolder, logFolder } = this.#draft;
    const found = this.#examine(createRecoverySource(disk, snapshotFolder, logFolder));
    if (found.fault !== null) throw new RepairFailed(found.fault);
    if (found.snapshotZxid === base && found.lastZxid === lastZxid) return;
    throw new RepairFailed(`what was put together leads to 0x${found.lastZxid.toString(16)}`);
  }
}
