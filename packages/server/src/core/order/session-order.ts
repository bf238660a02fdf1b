import { type Identity, Writer } from '@headkeeper/protocol';
import { invariant } from '../invariants.ts';

/** Marks of entries that carry no waiting request; those have their length, which is positive. */
const WRITE = 0;
const FAILURE = -1;
const INITIAL_ENTRIES = 16;
/** Bytes already taken that are worth moving the rest over. */
const COMPACT_BYTES = 65536;

export type WaitingKind = 'write' | 'request' | 'failure';

/**
 * One connection's requests in the order of arrival, from its first unanswered write on: places of writes, whose replies
 * come when they are durable, and the reads between them, which wait (client-protocol reference, 9.2). Empty most of the
 * time.
 */
export class SessionOrder {
  #entries: Int32Array = new Int32Array(INITIAL_ENTRIES);
  #identities: (readonly Identity[] | null)[] = new Array(INITIAL_ENTRIES).fill(null);
  #errors: Int32Array = new Int32Array(INITIAL_ENTRIES * 2);
  #head = 0;
  #count = 0;
  #bytes: Writer = new Writer(0);
  #taken = 0;
  /** The request or failure that `take` returned last. */
  bytes: Uint8Array = this.#bytes.bytes;
  start = 0;
  end = 0;
  identities: readonly Identity[] = [];
  xid = 0;
  error = 0;

  get size(): number {
    return this.#count;
  }

  /** Bytes of waiting requests. */
  get waitingBytes(): number {
    return this.#bytes.length - this.#taken;
  }

  pushWrite(): void {
    const at = this.#push(null);
    this.#entries[at] = WRITE;
  }

  /** Keeps a copy of the request `bytes[start, end)`: its header and body. */
  pushRequest(bytes: Uint8Array, start: number, end: number, identities: readonly Identity[]): void {
    invariant(end > start, 'a waiting request has bytes');
    this.#bytes.raw(bytes, start, end);
    const at = this.#push(identities);
    this.#entries[at] = end - start;
  }

  /** A request that will be answered with nothing but an error, in its place. */
  pushFailure(xid: number, error: number): void {
    const at = this.#push(null);
    this.#entries[at] = FAILURE;
    this.#errors[at * 2] = xid;
    this.#errors[at * 2 + 1] = error;
  }

  /** What stands first; only when `size` is not 0. */
  headKind(): WaitingKind {
    const entry = this.#entries[this.#head];
    return entry === WRITE ? 'write' : entry === FAILURE ? 'failure' : 'request';
  }

  /** Removes the first entry; a request's bytes are valid until the next push. */
  take(): void {
    invariant(this.#count > 0, 'nothing is waiting');
    const at = this.#head;
    const length = this.#entries[at];
    this.#head = (at + 1) & (this.#entries.length - 1);
    this.#count--;
    if (length === FAILURE) {
      this.xid = this.#errors[at * 2];
      this.error = this.#errors[at * 2 + 1];
    } else if (length > 0) {
      this.bytes = this.#bytes.bytes;
      this.start = this.#taken;
      this.end = this.#taken + length;
      this.identities = this.#identities[at] as readonly Identity[];
      this.#taken = this.end;
    }
    this.#identities[at] = null;
    if (this.#taken === this.#bytes.length) {
      this.#taken = 0;
      if (this.#bytes.bytes.length > COMPACT_BYTES) this.#bytes = new Writer(0);
      else this.#bytes.length = 0;
    }
  }

  #push(identities: readonly Identity[] | null): number {
    if (this.#count === this.#entries.length) this.#grow();
    if (this.#taken > COMPACT_BYTES && this.#taken * 2 > this.#bytes.length) this.#compact();
    const at = (this.#head + this.#count) & (this.#entries.length - 1);
    this.#identities[at] = identities;
    this.#count++;
    return at;
  }

  #grow(): void {
    const size = this.#entries.length;
    const entries = new Int32Array(size * 2);
    const errors = new Int32Array(size * 4);
    const identities: (readonly Identity[] | null)[] = new Array(size * 2).fill(null);
    for (let i = 0; i < this.#count; i++) {
      const from = (this.#head + i) & (size - 1);
      entries[i] = this.#entries[from];
      errors[i * 2] = this.#errors[from * 2];
      errors[i * 2 + 1] = this.#errors[from * 2 + 1];
      identities[i] = this.#identities[from];
    }
    this.#entries = entries;
    this.#errors = errors;
    this.#identities = identities;
    this.#head = 0;
  }

  #compact(): void {
    const rest = new Writer(this.#bytes.length - this.#taken + COMPACT_BYTES);
    rest.raw(this.#bytes.bytes, this.#taken, this.#bytes.length);
    this.#bytes = rest;
    this.#taken = 0;
  }
}
