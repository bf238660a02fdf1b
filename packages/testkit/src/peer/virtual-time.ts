import type { Clock, Timers } from '@headkeeper/server/internal';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that stands still until it is moved, and the timers on it. Timers of one millisecond fire in the order they were set. */
export class VirtualTime implements Clock, Timers {
  nowMs = 1_000;
  readonly #timers: Set<Timer> = new Set();
  #order = 0;

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return 1_790_000_000_000 + this.nowMs;
  }

  set(delayMs: number, fn: () => void): () => void {
    const timer: Timer = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, fn };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Timers that are set. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, firing what is due on the way; `between` runs before each timer and at the end. */
  advance(ms: number, between: () => void = () => {}): void {
    const target = this.nowMs + ms;
    for (;;) {
      between();
      const next = this.#next();
      if (next === null || next.atMs > target) break;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.#timers.delete(next);
      next.fn();
    }
    this.nowMs = target;
  }

  #next(): Timer | null {
    let best: Timer | null = null;
    for (const timer of this.#timers) {
      if (best === null || timer.atMs < best.atMs || (timer.atMs === best.atMs && timer.order < best.order))
        best = timer;
    }
    return best;
  }
}
