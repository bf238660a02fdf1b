import type { Clock, Timers } from '@headkeeper/server/embedding';

interface Waiting {
  /** When it is due, by the clock of this file. */
  readonly dueMs: number;
  readonly fire: () => void;
  timer: NodeJS.Timeout;
}

/** A standstill of the process longer than this does not count as time, milliseconds. */
const LONGEST_GAP_MS = 200;
/** How often the clock is looked at, so that a standstill is told from a time in which nobody asked. */
const LOOK_MS = 50;

/**
 * The clock and the timers of servers inside a test: they go with the machine's, can be moved ahead, and stand still while
 * the process does. A breakpoint, or a test that computes for a second, does not cost a session or a leader.
 */
export class TestTime implements Clock, Timers {
  /** What the clock is ahead of the machine's monotonic one; less than nothing after a standstill. */
  #aheadMs = 0;
  /** By how much it was moved on purpose. */
  #advancedMs = 0;
  #lastMs: number = performance.now();
  readonly #waiting: Set<Waiting> = new Set();
  /** Runs while anybody waits. */
  #look: NodeJS.Timeout | null = null;

  monotonicMs(): number {
    return Math.floor(this.#now());
  }

  wallMs(): number {
    return Date.now() + this.#advancedMs;
  }

  set(delayMs: number, fn: () => void): () => void {
    const waiting: Waiting = {
      dueMs: this.#now() + delayMs,
      fire: () => {
        this.#forget(waiting);
        fn();
      },
      timer: setTimeout(() => waiting.fire(), Math.min(delayMs, 0x7fffffff)),
    };
    this.#waiting.add(waiting);
    this.#look ??= setInterval(() => this.#now(), LOOK_MS);
    return () => {
      clearTimeout(waiting.timer);
      this.#forget(waiting);
    };
  }

  /** Moves the clock ahead and fires the timers that are due, the earliest first. The others are `settle`d once for all moves. */
  advance(ms: number): void {
    this.#aheadMs += ms;
    this.#advancedMs += ms;
    const nowMs = this.#now();
    const due = [...this.#waiting].filter(({ dueMs }) => dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const waiting of due) {
      // One that was fired before it may have called it off.
      if (!this.#waiting.has(waiting)) continue;
      clearTimeout(waiting.timer);
      waiting.fire();
    }
  }

  /** After moves: timers wait for what is left of their time. */
  settle(): void {
    const nowMs = this.#now();
    for (const waiting of this.#waiting) {
      clearTimeout(waiting.timer);
      waiting.timer = setTimeout(() => waiting.fire(), Math.max(0, Math.min(waiting.dueMs - nowMs, 0x7fffffff)));
    }
  }

  #forget(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size > 0 || this.#look === null) return;
    clearInterval(this.#look);
    this.#look = null;
  }

  #now(): number {
    const machineMs = performance.now();
    const gapMs = machineMs - this.#lastMs;
    this.#lastMs = machineMs;
    if (gapMs > LONGEST_GAP_MS) this.#aheadMs -= gapMs - LONGEST_GAP_MS;
    return machineMs + this.#aheadMs;
  }
}
