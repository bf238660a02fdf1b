import type { SeededRandom } from './seeded-random.ts';

export const SECTOR_BYTES = 512;

/** What a sector held after one write. */
interface SectorVersion {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** How much of what was not synced a crash leaves: nothing, everything, or a subset drawn at random. */
export type CrashKind = 'lose' | 'keep' | 'torn';

/** One file of the disk twin: what programs see, and what a crash leaves. */
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
  /** Writes under way, to catch two that overlap. */
  readonly writing: Set<{ start: number; end: number }> = new Set();
  /** Changes whenever the durable content does. */
  durableVersion = 0;
  /** Changes whenever the durable content does by more than growing at its end. */
  rewrites = 0;

  /** What survives any crash: the first `durableLength` bytes, as far as there are so many; the rest is zero. */
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

  get isClean(): boolean {
    return this.#dirty.size === 0 && this.#lengths.length === 0;
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    this.#sequence++;
    if (end > this.#length) this.#setLength(end);
    this.#cached.set(bytes, position);
    for (let sector = Math.floor(position / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) this.#soil(sector);
  }

  truncate(length: number): void {
    this.#sequence++;
    this.#rewritten = true;
    if (length < this.#length) {
      this.#cached.fill(0, length, this.#length);
      for (let sector = Math.floor(length / SECTOR_BYTES); sector * SECTOR_BYTES < this.#length; sector++) {
        this.#soil(sector);
      }
    }
    this.#setLength(length);
  }

  read(target: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(target.length, this.#length - position));
    target.set(this.#cached.subarray(position, position + count));
    return count;
  }

  /** Makes what was written up to the mark durable. */
  sync(upTo: number): void {
    this.durableVersion++;
    if (this.#rewritten) this.rewrites++;
    for (const [sector, versions] of this.#dirty) {
      const synced = versions.findLast((version) => version.sequence <= upTo);
      if (synced === undefined) continue;
      this.#store(sector, synced.bytes);
      const left = versions.filter((version) => version.sequence > upTo);
      if (left.length === 0) this.#dirty.delete(sector);
      else this.#dirty.set(sector, left);
    }
    const length = this.#lengths.findLast((entry) => entry.sequence <= upTo);
    if (length !== undefined) this.#durableLength = length.length;
    this.#lengths = this.#lengths.filter((entry) => entry.sequence > upTo);
  }

  /** What a failed sync does on Linux: the pages count as clean and are never written again, reads still see them. */
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
    copy.#dirty = new Map([...this.#dirty].map(([sector, versions]) => [sector, [...versions]]));
    copy.#lengths = [...this.#lengths];
    copy.#sequence = this.#sequence;
    return copy;
  }

  /** Decides what of the unsynced survives; afterwards reads see only that. */
  crash(kind: CrashKind, random: SeededRandom): void {
    this.durableVersion++;
    this.rewrites++;
    if (kind !== 'lose') {
      for (const [sector, versions] of this.#dirty) {
        const chosen = kind === 'keep' ? versions.length - 1 : random.below(versions.length + 1) - 1;
        const version = versions[chosen];
        if (version !== undefined) this.#store(sector, version.bytes);
      }
      const chosen = kind === 'keep' ? this.#lengths.length - 1 : random.below(this.#lengths.length + 1) - 1;
      const entry = this.#lengths[chosen];
      if (entry !== undefined) this.#durableLength = entry.length;
    }
    this.forgetDirty();
    this.writing.clear();
    this.#length = this.#durableLength;
    this.#cached = new Uint8Array(this.#capacityFor(this.#length));
    this.#cached.set(this.#durable.subarray(0, Math.min(this.#length, this.#durable.length)));
    // Bytes behind the end of the file do not come back when it grows again.
    this.#durable = this.#cached.slice();
  }

  #soil(sector: number): void {
    const start = sector * SECTOR_BYTES;
    const bytes = this.#cached.slice(start, start + SECTOR_BYTES);
    const versions = this.#dirty.get(sector);
    if (versions === undefined) this.#dirty.set(sector, [{ sequence: this.#sequence, bytes }]);
    else versions.push({ sequence: this.#sequence, bytes });
  }

  #store(sector: number, bytes: Uint8Array): void {
    const start = sector * SECTOR_BYTES;
    if (this.#durable.length < start + SECTOR_BYTES) {
      const grown = new Uint8Array(this.#capacityFor((start + SECTOR_BYTES) * 2));
      grown.set(this.#durable);
      this.#durable = grown;
    }
    this.#durable.set(bytes, start);
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
