import { decodeRepairRequest, JuteError, type RepairRequest, Writer, writeRepairAnswer } from '@headkeeper/protocol';
import type { Disk } from '../../ports.ts';
import { newestIntactSnapshot, type SalvageFolders, salvageLogs } from '../disk/salvage.ts';

/** Bytes that may wait for a link before more is read for it. */
const HIGH_WATER_BYTES = 1 << 20;
const PIECE_BYTES = 1 << 18;
/** Of an answer that has not begun. */
const FIRST_BYTES = 512;
/** Servers that are given something at once. */
const MOST_LINKS = 8;

/** The streams that the donor answers on. */
export interface DonorLinks {
  send(link: number, bytes: Uint8Array, start: number, end: number): void;
  unsent(link: number): number;
  /** After what was sent. */
  close(link: number): void;
}

export interface RepairDonorOptions {
  readonly links: DonorLinks;
  readonly folders: () => SalvageFolders;
  readonly maxRecordBytes: number;
  /** Why nothing is given to this server now; null: it is. */
  readonly refuses: (sid: number) => string | null;
  readonly defer: (fn: () => void) => void;
  readonly note: (message: string) => void;
}

interface Donation {
  bytes: Uint8Array;
  /** Writes more of the answer with each step; null before the request is whole. */
  steps: Iterator<void> | null;
  readonly out: Writer;
  waits: boolean;
}

/** Gives other servers what is intact of this one's history. It reads as fast as they take it, and only while nobody leads. */
export class RepairDonor {
  readonly #options: RepairDonorOptions;
  readonly #donations: Map<number, Donation> = new Map();

  constructor(options: RepairDonorOptions) {
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#donations.size > 0;
  }

  owns(link: number): boolean {
    return this.#donations.has(link);
  }

  /** A link has begun like one for a repair. Where there are many, one that says nothing, or takes nothing, has to go for it. */
  open(link: number): void {
    if (this.#donations.size >= MOST_LINKS) this.#makeRoom();
    this.#donations.set(link, { bytes: new Uint8Array(0), steps: null, out: new Writer(FIRST_BYTES), waits: false });
  }

  #makeRoom(): void {
    const all = [...this.#donations];
    const [link] = all.find(([, { steps }]) => steps === null) ?? all.find(([, { waits }]) => waits) ?? [];
    if (link === undefined) return;
    this.#options.links.close(link);
    this.#end(link);
  }

  data(link: number, bytes: Uint8Array): void {
    const donation = this.#donations.get(link);
    if (donation === undefined || donation.steps !== null) return;
    const joined = new Uint8Array(donation.bytes.length + bytes.length);
    joined.set(donation.bytes);
    joined.set(bytes, donation.bytes.length);
    donation.bytes = joined;
    let request: RepairRequest | null = null;
    try {
      request = decodeRepairRequest(joined);
      if (request === null) return;
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
    }
    const { refuses, note } = this.#options;
    const busy = this.#donations.size > MOST_LINKS ? 'others are being given something' : null;
    const why = request === null ? 'it does not understand the request' : (busy ?? refuses(request.sid));
    if (request === null || why !== null) {
      writeRepairAnswer(donation.out, { kind: 'refused', why: why ?? '' });
      this.#finish(link, donation);
      return;
    }
    note(`server ${request.sid} puts its history together again, and is given what is intact here`);
    donation.steps = request.kind === 'records' ? this.#records(request, donation) : this.#snapshot(request, donation);
    this.#goOn(link, donation);
  }

  drained(link: number): void {
    const donation = this.#donations.get(link);
    if (donation?.waits !== true) return;
    donation.waits = false;
    this.#goOn(link, donation);
  }

  closed(link: number): void {
    this.#end(link);
  }

  stop(): void {
    for (const link of [...this.#donations.keys()]) this.#end(link);
  }

  #goOn(link: number, donation: Donation): void {
    this.#options.defer(() => {
      if (this.#donations.get(link) !== donation) return;
      let isDone = true;
      try {
        isDone = (donation.steps as Iterator<void>).next().done === true;
      } catch (error) {
        if (typeof (error as { code?: unknown }).code !== 'string') throw error;
        // What is read may be gone: a leader has been elected, and changes it.
        this.#options.note(`another server's repair ends: ${(error as Error).message}`);
        this.#options.links.close(link);
        this.#end(link);
        return;
      }
      if (isDone) {
        this.#finish(link, donation);
        return;
      }
      this.#send(link, donation);
      if (this.#options.links.unsent(link) > HIGH_WATER_BYTES) donation.waits = true;
      else this.#goOn(link, donation);
    });
  }

  #finish(link: number, donation: Donation): void {
    this.#send(link, donation);
    this.#options.links.close(link);
    this.#end(link);
  }

  #send(link: number, { out }: Donation): void {
    if (out.length > 0) this.#options.links.send(link, out.bytes, 0, out.length);
    out.length = 0;
  }

  *#records({ ranges }: RepairRequest & { kind: 'records' }, { out }: Donation): Generator<void> {
    const { folders, maxRecordBytes } = this.#options;
    const from = Math.min(...ranges.map((range) => range.from));
    const to = Math.max(...ranges.map((range) => range.to));
    let isBeyond = ranges.length === 0;
    const walk = salvageLogs(folders(), from, maxRecordBytes, (record) => {
      const { zxid, before, frameBefore, adler, bytes, start, end } = record;
      if (zxid > to) isBeyond = true;
      if (!ranges.some((range) => zxid >= range.from && zxid <= range.to)) return;
      const beforeLength = frameBefore?.length ?? 0;
      const beforeAdler = frameBefore?.adler ?? 0;
      const body = bytes.subarray(start, end);
      writeRepairAnswer(out, { kind: 'record', zxid, before, beforeLength, beforeAdler, adler, body });
    });
    while (!isBeyond && walk.next().done !== true) yield;
    walk.return({ frames: [], isWhole: false });
    writeRepairAnswer(out, { kind: 'end' });
  }

  *#snapshot({ upTo }: RepairRequest & { kind: 'snapshot' }, { out }: Donation): Generator<void> {
    const { folders, maxRecordBytes } = this.#options;
    const at = folders();
    const found = newestIntactSnapshot(at, upTo, maxRecordBytes);
    if (found !== null) {
      writeRepairAnswer(out, { kind: 'head', name: found.name });
      yield* this.#pieces(at.disk, `${at.snapshotFolder}/${found.name}`, out);
    }
    writeRepairAnswer(out, { kind: 'end' });
  }

  *#pieces(disk: Disk, path: string, out: Writer): Generator<void> {
    const source = disk.openReadSync(path);
    try {
      const piece = new Uint8Array(PIECE_BYTES);
      for (let at = 0; at < source.size; ) {
        const count = source.readSync(piece, 0, piece.length, at);
        if (count === 0) break;
        at += count;
        writeRepairAnswer(out, { kind: 'piece', bytes: piece.subarray(0, count) });
        yield;
      }
    } finally {
      source.closeSync();
    }
  }

  #end(link: number): void {
    const donation = this.#donations.get(link);
    this.#donations.delete(link);
    donation?.steps?.return?.();
  }
}
