import type { Call } from './call.ts';

const COMPACT_FROM = 1024;

/** Calls in the order they were made; giving one up leaves it in its place, settled, until its turn comes. */
export class CallQueue {
  #calls: Call[] = [];
  #head = 0;
  /** Settled calls that still have a place, as far as `gaveUp` has said. */
  #settled = 0;

  get size(): number {
    return this.#calls.length - this.#head;
  }

  push(call: Call): void {
    this.#calls.push(call);
  }

  peek(): Call | undefined {
    return this.#calls[this.#head];
  }

  shift(): Call | undefined {
    const call = this.#calls[this.#head];
    if (call === undefined) return undefined;
    // A slot must not keep the call alive.
    this.#calls[this.#head] = undefined as unknown as Call;
    if (++this.#head === this.#calls.length) {
      // The array keeps its memory for the next ones unless there were many.
      if (this.#head > COMPACT_FROM) this.#calls = [];
      else this.#calls.length = 0;
      this.#head = 0;
      this.#settled = 0;
    } else if (this.#head >= COMPACT_FROM && this.#head * 2 > this.#calls.length) {
      this.#calls = this.#calls.slice(this.#head);
      this.#head = 0;
    }
    return call;
  }

  /** A call in here, where the order of the others is all that counts, has been settled: places are freed in time. */
  gaveUp(): void {
    if (++this.#settled * 2 <= this.size) return;
    this.#calls = this.#calls.slice(this.#head).filter((call) => !call.isSettled);
    this.#head = 0;
    this.#settled = 0;
  }

  /** Takes all of them. */
  drain(): Call[] {
    const all = this.#calls.slice(this.#head);
    this.#calls = [];
    this.#head = 0;
    this.#settled = 0;
    return all;
  }

  /** Puts calls before all others. */
  unshift(calls: readonly Call[]): void {
    this.#calls = [...calls, ...this.#calls.slice(this.#head)];
    this.#head = 0;
  }

  /** Those that nobody has given up yet, in order. */
  *open(): Generator<Call, void, undefined> {
    for (let i = this.#head; i < this.#calls.length; i++) {
      const call = this.#calls[i] as Call;
      if (!call.isSettled) yield call;
    }
  }
}
