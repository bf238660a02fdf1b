import type { Clock } from '../../ports.ts';

/** Lets one call through, and the next not before the interval is over. */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  #nextMs = Number.NEGATIVE_INFINITY;

  /** `intervalMs` 0: no limit. */
  constructor(intervalMs: number, clock: Clock) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  /** Whether the call may go on; if so, it counts. */
  allow(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#intervalMs;
    return true;
  }
}
