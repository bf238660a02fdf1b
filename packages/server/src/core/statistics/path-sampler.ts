import { decodeUtf8, type Reader } from '@headkeeper/protocol';

const SLASH = 0x2f;
/** Paths that are told apart in one slot of time; others are counted together. */
const PATHS_OF_SLOT = 1000;
/** A longer beginning of a path is not kept. */
const PATH_BYTES = 1024;

export interface PathSamplerOptions {
  /** How far back counts go: so many slots, of so many milliseconds each. */
  readonly slots: number;
  readonly slotMs: number;
  /** Paths are counted by so many elements from the root. */
  readonly maxDepth: number;
  /** One request in so many is looked at. */
  readonly every: number;
}

/** How often a path, or what is below it, was read and written, among the requests that were looked at. */
export interface PathCount {
  readonly path: string;
  readonly reads: number;
  readonly writes: number;
}

interface Slot {
  endsMs: number;
  readonly counts: Map<string, { reads: number; writes: number }>;
  others: number;
}

/** Finds out which paths clients ask for most, from a sample of their requests, in bounded memory (`pathStats.*`). */
export class PathSampler {
  readonly #options: PathSamplerOptions;
  #slots: Slot[] = [];
  #untilNext = 0;

  constructor(options: PathSamplerOptions) {
    this.#options = options;
  }

  /** One request in so many was looked at. */
  get every(): number {
    return this.#options.every;
  }

  /** A request whose body begins with a path, which `r` stands at; the reader is not moved. */
  seen(isWrite: boolean, r: Reader, nowMs: number): void {
    if (this.#untilNext-- > 0) return;
    this.#untilNext = this.#options.every - 1;
    const path = this.#pathAt(r);
    if (path === null) return;
    const slot = this.#slotAt(nowMs);
    let count = slot.counts.get(path);
    if (count === undefined) {
      if (slot.counts.size >= PATHS_OF_SLOT) {
        slot.others++;
        return;
      }
      count = { reads: 0, writes: 0 };
      slot.counts.set(path, count);
    }
    if (isWrite) count.writes++;
    else count.reads++;
  }

  /** The paths that were asked for most, and how many requests were for paths that are not told apart. */
  top(most: number, nowMs: number): { readonly paths: readonly PathCount[]; readonly others: number } {
    this.#forget(nowMs);
    const sums = new Map<string, { path: string; reads: number; writes: number }>();
    let others = 0;
    for (const slot of this.#slots) {
      others += slot.others;
      for (const [path, { reads, writes }] of slot.counts) {
        const sum = sums.get(path) ?? { path, reads: 0, writes: 0 };
        sum.reads += reads;
        sum.writes += writes;
        sums.set(path, sum);
      }
    }
    const paths = [...sums.values()].sort((a, b) => b.reads + b.writes - (a.reads + a.writes)).slice(0, most);
    return { paths, others };
  }

  #slotAt(nowMs: number): Slot {
    const last = this.#slots.at(-1);
    if (last !== undefined && nowMs < last.endsMs) return last;
    const slot: Slot = { endsMs: nowMs + this.#options.slotMs, counts: new Map(), others: 0 };
    this.#slots.push(slot);
    this.#forget(nowMs);
    return slot;
  }

  #forget(nowMs: number): void {
    const { slots, slotMs } = this.#options;
    this.#slots = this.#slots.filter(({ endsMs }) => endsMs > nowMs - slots * slotMs).slice(-slots);
  }

  #pathAt({ bytes, view, pos, end }: Reader): string | null {
    if (pos + 4 > end) return null;
    const length = view.getInt32(pos);
    const start = pos + 4;
    if (length <= 0 || start + length > end || bytes[start] !== SLASH) return null;
    const last = start + Math.min(length, PATH_BYTES);
    let depth = 0;
    let at = start;
    for (; at < last; at++) if (bytes[at] === SLASH && ++depth > this.#options.maxDepth) break;
    return decodeUtf8(bytes, start, at);
  }
}
