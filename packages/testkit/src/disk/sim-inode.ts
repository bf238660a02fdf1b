import { PlatterFaults } from './platter-faults.ts';
import type { SeededRandom } from './seeded-random.ts';

export const SECTOR_BYTES = 512;
const MOST_SPARE = 1024;
/** Memory of contents that nobody needs any more, for the next ones of any file: each is written whole before it is read. */
const SPARE: Uint8Array[] = [];

/** What a sector held after one write. */
interface SectorVersion {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** Whether the disk takes it and never writes it. */
  readonly lost: boolean;
}

function copyOf(version: SectorVersion): SectorVersion {
  return { ...version, bytes: version.bytes.slice() };
}

/** What becomes of bytes that rot. */
export type RotKind = 'zeros' | 'junk' | 'flip';

/** How much of what was not synced a crash leaves: nothing, everything, or a subset drawn at random. */
export type CrashKind = 'lose' | 'keep' | 'torn';

/**
 * One file of the disk twin: what programs see, and what a crash leaves. What a disk has promised and does not hold, because it
 * lied or has decayed, is kept apart: `durableBytes` says what was promised, reads see what is there.
 */
export class SimInode {
  /** What reads see. */
  #cached: Uint8Array = new Uint8Array(0);
  #length = 0;
  /** What survives any crash. */
  #durable: Uint8Array = new Uint8Array(0);
  #durableLength = 0;
  /** Sectors that differ from the durable ones, with every content they had since, oldest first. */
  #dirty: Map<number, SectorVersion[]> = new Map();
  /** Whether a truncation may have taken away what was durable, now or at the next sync. */
  #rewritten = false;
  /** Lengths since the last sync. */
  #lengths: { sequence: number; length: number }[] = [];
  #sequence = 0;
  readonly #faults: PlatterFaults = new PlatterFaults();
  /** Sectors whose sync was a lie, with what they held before. */
  readonly #unflushed: Map<number, Uint8Array> = new Map();
  /** Whether nothing has happened to it since a crash after which the disk held what it had promised: another one changes nothing. */
  #isUntouched = false;
  /** Writes under way, to catch two that overlap. */
  readonly writing: Set<{ start: number; end: number }> = new Set();
  /** Changes whenever the durable content does. */
  durableVersion = 0;
  /** Changes whenever the durable content does by more than growing at its end. */
  rewrites = 0;

  /** What any crash leaves of what was promised: the first `durableLength` bytes, as far as there are so many; the rest is zero. */
  get durableBytes(): Uint8Array {
    return this.#durable;
  }

  get durableLength(): number {
    return this.#durableLength;
  }

  get length(): number {
    return this.#length;
  }

  /** What has been written so far is before this mark. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether reads meet, now or behind a crash, anything that was not written there. */
  get isFaulty(): boolean {
    return this.#faults.any;
  }

  /** Whether syncs were lies that nothing has made true. */
  get isUnflushed(): boolean {
    return this.#unflushed.size > 0;
  }

  get isClean(): boolean {
    return this.#dirty.size === 0 && this.#lengths.length === 0;
  }

  /** `lost`: the disk takes it and never writes it, which reads show once the cache is gone. */
  write(bytes: Uint8Array, position: number, lost = false): void {
    const end = position + bytes.length;
    this.#isUntouched = false;
    this.#sequence++;
    if (end > this.#length) this.#setLength(end);
    this.#cached.set(bytes, position);
    for (let sector = Math.floor(position / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++)
      this.#soil(sector, lost);
  }

  truncate(length: number): void {
    this.#isUntouched = false;
    this.#sequence++;
    this.#rewritten = true;
    if (length < this.#length) {
      this.#cached.fill(0, length, this.#length);
      for (let sector = Math.floor(length / SECTOR_BYTES); sector * SECTOR_BYTES < this.#length; sector++) {
        this.#soil(sector, false);
      }
    }
    this.#setLength(length);
  }

  /** Bytes decay, in the cache too unless that has them already. */
  rot(start: number, end: number, kind: RotKind, random: SeededRandom, isCached: boolean): void {
    const bytes = this.#cached.slice(start, Math.min(end, this.#length));
    if (kind === 'zeros') bytes.fill(0);
    else if (kind === 'junk') for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
    else if (bytes.length > 0) {
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    }
    this.overwrite(bytes, start);
    if (!isCached) this.#cached.set(bytes, start);
  }

  /** The disk writes what was meant for somewhere else; as far as the file goes. */
  overwrite(bytes: Uint8Array, position: number): void {
    this.#isUntouched = false;
    const end = Math.min(position + bytes.length, this.#capacityFor(this.#durableLength));
    for (let sector = Math.floor(position / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) {
      const start = sector * SECTOR_BYTES;
      const held = this.#held(sector);
      for (let at = Math.max(start, position); at < Math.min(start + SECTOR_BYTES, end); at++) {
        held[at - start] = bytes[at - position] as number;
      }
      this.#faults.replace(sector, held);
    }
  }

  /** Takes what reads see, where it is not what was promised, for what the disk holds; whether there was any such place. */
  admit(): boolean {
    let any = false;
    for (const [sector, bytes] of [...this.#faults.entries()]) {
      // A cache that still has what was promised hides the fault.
      if (!this.#isSeen(sector, bytes)) continue;
      const start = sector * SECTOR_BYTES;
      this.#faults.forgetContent(sector);
      this.#grow(start + SECTOR_BYTES);
      this.#durable.set(bytes, start);
      any = true;
    }
    if (!any) return false;
    this.durableVersion++;
    this.rewrites++;
    return true;
  }

  /** Whether a crash may show what reads do not see now: syncs were lies, or writes never came where they should. */
  get isHiding(): boolean {
    if (this.#unflushed.size > 0) return true;
    for (const [sector, bytes] of this.#faults.entries()) if (!this.#isSeen(sector, bytes)) return true;
    return false;
  }

  #isSeen(sector: number, bytes: Uint8Array): boolean {
    const start = sector * SECTOR_BYTES;
    const seen = this.#cached.subarray(start, Math.min(start + SECTOR_BYTES, this.#length));
    return seen.every((byte, i) => byte === bytes[i]);
  }

  makeUnreadable(start: number, end: number): void {
    this.#isUntouched = false;
    for (let sector = Math.floor(start / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) {
      this.#faults.makeUnreadable(sector);
    }
  }

  becomeReadable(): void {
    this.#faults.becomeReadable();
  }

  /** Whether so many bytes from there on cannot be read. */
  isUnreadable(position: number, count: number): boolean {
    const last = Math.floor((position + count - 1) / SECTOR_BYTES);
    return this.#faults.isUnreadable(Math.floor(position / SECTOR_BYTES), last);
  }

  /** The length without the zeros at the end. */
  get usedLength(): number {
    let end = this.#length;
    while (end > 0 && this.#cached[end - 1] === 0) end--;
    return end;
  }

  read(target: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(target.length, this.#length - position));
    target.set(this.#cached.subarray(position, position + count));
    return count;
  }

  /** Makes what was written up to the mark durable; or promises to, until an honest sync of the disk or a crash. */
  sync(upTo: number, lies = false): void {
    this.durableVersion++;
    if (this.#rewritten) this.rewrites++;
    for (const [sector, versions] of this.#dirty) {
      // Hardly ever is one written while it is synced.
      const newest = versions[versions.length - 1] as SectorVersion;
      const isAll = newest.sequence <= upTo;
      const synced = isAll ? newest : versions.findLast((version) => version.sequence <= upTo);
      if (synced === undefined) continue;
      const before = lies ? (this.#unflushed.get(sector) ?? this.#held(sector)) : null;
      this.#store(sector, synced);
      if (SPARE.length < MOST_SPARE) SPARE.push(synced.bytes);
      if (before !== null) this.#unflushed.set(sector, before);
      if (isAll) this.#dirty.delete(sector);
      else {
        const left = versions.filter((version) => version.sequence > upTo);
        this.#dirty.set(sector, left);
      }
    }
    if (this.#lengths.length === 0) return;
    const length = this.#lengths.findLast((entry) => entry.sequence <= upTo);
    if (length === undefined) return;
    this.#durableLength = length.length;
    this.#lengths = this.#lengths.filter((entry) => entry.sequence > upTo);
  }

  /** An honest sync has made true what syncs before have promised. */
  flushed(): void {
    this.#unflushed.clear();
  }

  /** What a failed sync does on some file systems: the pages are read again from the disk. */
  dropDirty(): void {
    for (const sector of this.#dirty.keys()) {
      const held = this.#held(sector);
      const start = sector * SECTOR_BYTES;
      if (start < this.#length) this.#cached.set(held.subarray(0, this.#cached.length - start), start);
    }
    this.forgetDirty();
  }

  /** What a failed sync does on others: the pages count as clean and are never written again, reads still see them. */
  forgetDirty(): void {
    this.#dirty.clear();
    this.#lengths = [];
  }

  clone(): SimInode {
    const copy = new SimInode();
    copy.#cached = this.#cached.slice();
    copy.#length = this.#length;
    copy.#durable = this.#durable.slice();
    copy.#durableLength = this.#durableLength;
    copy.#dirty = new Map([...this.#dirty].map(([sector, versions]) => [sector, versions.map(copyOf)]));
    copy.#lengths = [...this.#lengths];
    copy.#sequence = this.#sequence;
    this.#faults.copyTo(copy.#faults);
    for (const [sector, bytes] of this.#unflushed) copy.#unflushed.set(sector, bytes.slice());
    return copy;
  }

  /** Decides what of the unsynced survives; afterwards reads see only that. */
  crash(kind: CrashKind, random: SeededRandom): void {
    if (kind !== 'lose') {
      for (const [sector, versions] of this.#dirty) {
        const chosen = kind === 'keep' ? versions.length - 1 : random.below(versions.length + 1) - 1;
        const version = versions[chosen];
        if (version !== undefined) this.#store(sector, version);
      }
      const chosen = kind === 'keep' ? this.#lengths.length - 1 : random.below(this.#lengths.length + 1) - 1;
      const entry = this.#lengths[chosen];
      if (entry !== undefined) this.#durableLength = entry.length;
    }
    this.writing.clear();
    if (this.#isUntouched) return;
    this.durableVersion++;
    this.rewrites++;
    this.forgetDirty();
    this.#length = this.#durableLength;
    this.#cached = new Uint8Array(this.#capacityFor(this.#length));
    this.#cached.set(this.#durable.subarray(0, Math.min(this.#length, this.#durable.length)));
    // Bytes behind the end of the file do not come back when it grows again.
    this.#durable = this.#cached.slice();
    for (const [sector, bytes] of this.#unflushed) if (kind !== 'keep') this.#faults.replace(sector, bytes);
    this.#unflushed.clear();
    for (const [sector, bytes] of this.#faults.entries()) {
      const start = sector * SECTOR_BYTES;
      if (start < this.#length) this.#cached.set(bytes.subarray(0, this.#cached.length - start), start);
    }
    this.#cached.fill(0, this.#length);
    this.#isUntouched = !this.#faults.any;
  }

  #soil(sector: number, lost: boolean): void {
    const start = sector * SECTOR_BYTES;
    const bytes = SPARE.pop() ?? new Uint8Array(SECTOR_BYTES);
    bytes.set(this.#cached.subarray(start, start + SECTOR_BYTES));
    const version = { sequence: this.#sequence, bytes, lost };
    const versions = this.#dirty.get(sector);
    if (versions === undefined) this.#dirty.set(sector, [version]);
    else versions.push(version);
  }

  /** A copy of what the disk really has of a sector, as far as it has promised to have anything. */
  #held(sector: number): Uint8Array {
    const start = sector * SECTOR_BYTES;
    const held = new Uint8Array(SECTOR_BYTES);
    held.set(this.#faults.content(sector) ?? this.#durable.subarray(start, start + SECTOR_BYTES));
    return held;
  }

  #store(sector: number, { bytes, lost }: SectorVersion): void {
    const start = sector * SECTOR_BYTES;
    if (lost) this.#faults.replace(sector, this.#held(sector));
    // What has decayed and is written as it is has become what the file holds.
    else if (this.#faults.heal(sector)) this.rewrites++;
    this.#unflushed.delete(sector);
    this.#grow(start + SECTOR_BYTES);
    this.#durable.set(bytes, start);
  }

  #grow(length: number): void {
    if (this.#durable.length >= length) return;
    const grown = new Uint8Array(this.#capacityFor(length * 2));
    grown.set(this.#durable);
    this.#durable = grown;
  }

  #setLength(length: number): void {
    if (this.#cached.length < length) {
      const grown = new Uint8Array(this.#capacityFor(length * 2));
      grown.set(this.#cached);
      this.#cached = grown;
    }
    this.#length = length;
    this.#lengths.push({ sequence: this.#sequence, length });
  }

  /** A whole number of sectors. */
  #capacityFor(length: number): number {
    return Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES;
  }
}
