import { type Identity, Writer } from '@headkeeper/protocol';
import { invariant } from '../invariants.ts';
import type { Held } from '../overload/overload-counters.ts';

/** Marks of entries that carry no waiting request; those have their length, which is positive. */
const WRITE = 0;
const FAILURE = -1;
/** A sync that waits for the leader: minus its length, minus this. */
const SYNC = -2;
const INITIAL_ENTRIES = 16;
const NOTHING = new Int32Array(0);
const NO_TIMES = new Float64Array(0);
const NO_BYTES = new Uint8Array(0);
const NO_ENTRIES: (readonly Identity[] | null)[] = [];
const NOBODY: readonly Identity[] = Object.freeze([]);
const INITIAL_BYTES = 512;
/** Bytes already taken that are worth moving the rest over. */
const COMPACT_BYTES = 65536;

export type WaitingKind = 'write' | 'request' | 'failure' | 'sync';

/**
 * One connection's requests in the order of arrival, from its first unanswered write on: places of writes, whose replies
 * come when they are durable, and the reads between them, which wait (client-protocol reference, 9.2). Empty most of the
 * time.
 */
export class SessionOrder {
  // A connection without unanswered writes, as most are, costs no memory here.
  #entries: Int32Array = NOTHING;
  #identities: (readonly Identity[] | null)[] = NO_ENTRIES;
  /** When each came, milliseconds. */
  #arrived: Float64Array = NO_TIMES;
  /** Xid and error of the failures among the entries, in order. */
  #failures: number[] | null = null;
  #head = 0;
  #count = 0;
  #bytes: Writer | null = null;
  #taken = 0;
  /** The request or failure that `take` returned last. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  identities: readonly Identity[] = NOBODY;
  arrivedMs = 0;
  xid = 0;
  error = 0;
  readonly #held: Held;
  /** Entries taken so far, and the large requests among the others: their numbers, counted from the first ever, and bytes. */
  #takenEntries = 0;
  #large: { readonly number: number; readonly bytes: number }[] | null = null;

  /** `held`: where its entries and their bytes are counted. */
  constructor(held: Held) {
    this.#held = held;
  }

  get size(): number {
    return this.#count;
  }

  /** Bytes of waiting requests. */
  get waitingBytes(): number {
    return this.#bytes === null ? 0 : this.#bytes.length - this.#taken;
  }

  pushWrite(): void {
    const at = this.#push(null);
    this.#entries[at] = WRITE;
  }

  /** Keeps a copy of the request `bytes[start, end)`: its header and body. */
  pushRequest(bytes: Uint8Array, start: number, end: number, identities: readonly Identity[], arrivedMs: number): void {
    invariant(end > start, 'a waiting request has bytes');
    this.#bytes ??= new Writer(INITIAL_BYTES);
    this.#bytes.raw(bytes, start, end);
    this.#held.inputBytes += end - start;
    const at = this.#push(identities);
    this.#entries[at] = end - start;
    this.#arrived[at] = arrivedMs;
  }

  /** A request that will be answered with nothing but an error, in its place. */
  pushFailure(xid: number, error: number): void {
    const at = this.#push(null);
    this.#entries[at] = FAILURE;
    this.#failures ??= [];
    this.#failures.push(xid, error);
  }

  /** A sync, kept like a request, that may not go on before `releaseSync`. */
  pushSync(bytes: Uint8Array, start: number, end: number, identities: readonly Identity[], arrivedMs: number): void {
    this.pushRequest(bytes, start, end, identities, arrivedMs);
    this.#entries[(this.#head + this.#count - 1) & (this.#entries.length - 1)] = SYNC - (end - start);
  }

  /** The entry pushed last is a large request of so many bytes. */
  markLarge(bytes: number): void {
    this.#large ??= [];
    this.#large.push({ number: this.#takenEntries + this.#count - 1, bytes });
    this.#held.largeBytes += bytes;
  }

  /** Forgets everything: nobody waits for the answers any more. */
  abandon(): void {
    if (this.#count === 0) return;
    this.#held.requests -= this.#count;
    this.#held.inputBytes -= this.waitingBytes;
    for (const { bytes } of this.#large ?? []) this.#held.largeBytes -= bytes;
    this.#entries = NOTHING;
    this.#identities = NO_ENTRIES;
    this.#failures = null;
    this.#head = 0;
    this.#count = 0;
    this.#bytes = null;
    this.#taken = 0;
    this.#large = null;
  }

  /** The oldest sync that waits may go on in its turn. */
  releaseSync(): void {
    for (let i = 0; i < this.#count; i++) {
      const at = (this.#head + i) & (this.#entries.length - 1);
      if (this.#entries[at] > SYNC) continue;
      this.#entries[at] = SYNC - this.#entries[at];
      return;
    }
  }

  /** What stands first; only when `size` is not 0. */
  headKind(): WaitingKind {
    const entry = this.#entries[this.#head];
    if (entry <= SYNC) return 'sync';
    return entry === WRITE ? 'write' : entry === FAILURE ? 'failure' : 'request';
  }

  /** Removes the first entry; a request's bytes are valid until the next push. */
  take(): void {
    invariant(this.#count > 0, 'nothing is waiting');
    const at = this.#head;
    const length = this.#entries[at];
    this.#head = (at + 1) & (this.#entries.length - 1);
    this.#count--;
    this.#held.requests--;
    if (this.#large !== null && this.#large[0]?.number === this.#takenEntries) {
      this.#held.largeBytes -= (this.#large.shift() as { readonly bytes: number }).bytes;
    }
    this.#takenEntries++;
    if (length === FAILURE) {
      const failures = this.#failures as number[];
      this.xid = failures[0];
      this.error = failures[1];
      failures.splice(0, 2);
    } else if (length > 0) {
      this.#takeBytes(length);
      this.identities = this.#identities[at] as readonly Identity[];
      this.arrivedMs = this.#arrived[at];
    }
    this.#identities[at] = null;
  }

  #takeBytes(length: number): void {
    const waiting = this.#bytes as Writer;
    this.bytes = waiting.bytes;
    this.start = this.#taken;
    this.end = this.#taken + length;
    this.#taken = this.end;
    this.#held.inputBytes -= length;
    if (this.#taken < waiting.length) return;
    this.#taken = 0;
    if (waiting.bytes.length > COMPACT_BYTES) this.#bytes = null;
    else waiting.length = 0;
  }

  #push(identities: readonly Identity[] | null): number {
    if (this.#count === this.#entries.length) this.#grow();
    if (this.#taken > COMPACT_BYTES) this.#compact(this.#bytes as Writer);
    const at = (this.#head + this.#count) & (this.#entries.length - 1);
    this.#identities[at] = identities;
    this.#count++;
    this.#held.requests++;
    return at;
  }

  #grow(): void {
    const size = this.#entries.length;
    const larger = Math.max(INITIAL_ENTRIES, size * 2);
    const entries = new Int32Array(larger);
    const identities: (readonly Identity[] | null)[] = new Array(larger).fill(null);
    const arrived = new Float64Array(larger);
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#head + i) & (size - 1);
      entries[i] = this.#entries[from];
      identities[i] = this.#identities[from];
      arrived[i] = this.#arrived[from];
    }
    this.#entries = entries;
    this.#identities = identities;
    this.#arrived = arrived;
    this.#head = 0;
  }

  /** Gives the room of what was taken back, once it is the larger part. */
  #compact(waiting: Writer): void {
    if (this.#taken * 2 <= waiting.length) return;
    const rest = new Writer(waiting.length - this.#taken + COMPACT_BYTES);
    rest.raw(waiting.bytes, this.#taken, waiting.length);
    this.#bytes = rest;
    this.#taken = 0;
  }
}
