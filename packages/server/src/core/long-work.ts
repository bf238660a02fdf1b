import { invariant } from './invariants.ts';

/**
 * Work that would keep everybody waiting if it were done in one step. It is done in slices instead, one after the other, and
 * until the last of them nothing else happens to the state: events wait, only pings are answered (known failure O07).
 */
export class LongWork {
  readonly #waiting: (() => Generator<void, void>)[] = [];
  #running: Generator<void, void> | null = null;

  get isPending(): boolean {
    return this.#running !== null || this.#waiting.length > 0;
  }

  /** Adds work, each `yield` of which ends a slice. It begins in a step of its own. */
  add(begin: () => Generator<void, void>): void {
    this.#waiting.push(begin);
  }

  /** Does one slice. */
  advance(): void {
    const begin = this.#running === null ? this.#waiting.shift() : undefined;
    if (begin !== undefined) this.#running = begin();
    if (this.#running?.next().done === true) this.#running = null;
  }

  /** Forgets work that has not begun. */
  clear(): void {
    invariant(this.#running === null, 'work that has begun is brought to its end');
    this.#waiting.length = 0;
  }
}

/** Does all slices of something at once; returns what comes of it. */
export function inOne<Result>(slices: Generator<void, Result>): Result {
  for (;;) {
    const step = slices.next();
    if (step.done === true) return step.value;
  }
}
