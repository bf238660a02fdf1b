/** What an event is about; part of the trace. */
export const EventKind = {
  timer: 1,
  turn: 2,
  disk: 3,
  data: 4,
  connect: 5,
  stream: 6,
  fault: 7,
  client: 8,
  life: 9,
  check: 10,
} as const;

/** Names one scheduled event, to cancel it. */
export interface EventHandle {
  readonly slot: number;
  readonly serial: number;
}

const FIRST_CAPACITY = 1024;

/** A binary heap of events by time, then by a tie drawn at random, so that equal times come in any order. */
export class EventQueue {
  /** Slots in heap order. */
  #heap: Int32Array = new Int32Array(FIRST_CAPACITY);
  #size = 0;
  /** By slot. */
  #times: Float64Array = new Float64Array(FIRST_CAPACITY);
  #ties: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  #serials: Float64Array = new Float64Array(FIRST_CAPACITY);
  #kinds: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  #owners: Int32Array = new Int32Array(FIRST_CAPACITY);
  readonly #actions: ((() => void) | null)[] = [];
  readonly #free: number[] = [];
  #serial = 0;
  /** Of the event that `pop` returned last. */
  at = 0;
  kind = 0;
  owner = 0;

  get size(): number {
    return this.#size;
  }

  /** Time of the first event; Infinity when there is none. */
  get nextAt(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[this.#heap[0]];
  }

  push(at: number, tie: number, kind: number, owner: number, action: () => void): EventHandle {
    const slot = this.#free.pop() ?? this.#actions.length;
    if (slot >= this.#times.length) this.#grow();
    this.#times[slot] = at;
    this.#ties[slot] = tie;
    this.#kinds[slot] = kind;
    this.#owners[slot] = owner;
    this.#serials[slot] = ++this.#serial;
    this.#actions[slot] = action;
    this.#heap[this.#size] = slot;
    this.#up(this.#size++);
    return { slot, serial: this.#serial };
  }

  /** The event does not happen, if it has not yet. */
  cancel(handle: EventHandle): void {
    if (this.#serials[handle.slot] === handle.serial) this.#actions[handle.slot] = null;
  }

  /** Takes the first event; null when it was cancelled. Must not be called on an empty queue. */
  pop(): (() => void) | null {
    const slot = this.#heap[0];
    this.at = this.#times[slot];
    this.kind = this.#kinds[slot];
    this.owner = this.#owners[slot];
    const action = this.#actions[slot] as (() => void) | null;
    this.#actions[slot] = null;
    this.#serials[slot] = 0;
    this.#free.push(slot);
    this.#size--;
    if (this.#size > 0) {
      this.#heap[0] = this.#heap[this.#size];
      this.#down(0);
    }
    return action;
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#times[a] - this.#times[b];
    if (difference !== 0) return difference < 0;
    if (this.#ties[a] !== this.#ties[b]) return this.#ties[a] < this.#ties[b];
    return this.#serials[a] < this.#serials[b];
  }

  #up(at: number): void {
    const heap = this.#heap;
    const slot = heap[at];
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(slot, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = slot;
  }

  #down(at: number): void {
    const heap = this.#heap;
    const slot = heap[at];
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#isBefore(heap[child + 1], heap[child])) child++;
      if (!this.#isBefore(heap[child], slot)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = slot;
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    this.#heap = grown(this.#heap, new Int32Array(capacity));
    this.#times = grown(this.#times, new Float64Array(capacity));
    this.#ties = grown(this.#ties, new Uint32Array(capacity));
    this.#serials = grown(this.#serials, new Float64Array(capacity));
    this.#kinds = grown(this.#kinds, new Uint8Array(capacity));
    this.#owners = grown(this.#owners, new Int32Array(capacity));
  }
}

function grown<T extends Int32Array | Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
