import type { Timer } from '../../src/ports.ts';

interface Waiting {
  readonly atMs: number;
  readonly order: number;
  readonly call: () => void;
}

/** Lets everything happen that needs no time: promises, and what is put off to the end of a turn. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A clock that stands still until a test moves it. */
export class ManualClock {
  nowMs = 1_000;
  readonly #waiting: Set<Waiting> = new Set();
  #order = 0;

  after(ms: number, call: () => void): Timer {
    const timer: Waiting = { atMs: this.nowMs + Math.max(0, ms), order: this.#order++, call };
    this.#waiting.add(timer);
    return {
      cancel: () => {
        this.#waiting.delete(timer);
      },
    };
  }

  get timers(): number {
    return this.#waiting.size;
  }

  /** Moves on by `ms`; what is due on the way happens at its time, with all that follows from it. */
  async advance(ms: number): Promise<void> {
    const target = this.nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#next();
      if (next === null || next.atMs > target) break;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.#waiting.delete(next);
      next.call();
      await settle();
    }
    this.nowMs = target;
  }

  /** Moves the clock without calling anybody, as for a process that stands still. */
  skip(ms: number): void {
    this.nowMs += ms;
  }

  #next(): Waiting | null {
    let first: Waiting | null = null;
    for (const timer of this.#waiting) {
      if (first === null || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }
}
