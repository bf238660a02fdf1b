/** Time as the shipper needs it, handed in so that tests can turn it. */
export interface ShipClock {
  /** Epoch milliseconds, which may jump. */
  wallMs(): number;
  /** Milliseconds that only ascend. */
  monotonicMs(): number;
  /** Resolves after the time; rejects with the signal's reason. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Leaves the processor to whoever waits for it, for a fraction of a millisecond, and the thread to its other tasks. */
  breathe(): Promise<void>;
}

/** Wakes the shipper when something has changed. */
export class Bell {
  readonly #clock: ShipClock;
  #rung = false;
  #wake: (() => void) | null = null;

  constructor(clock: ShipClock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, at once if it has rung since the last wait, or after the time. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && ms > 0) {
      const over = new AbortController();
      const rung = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const stop = (): void => over.abort();
      signal.addEventListener('abort', stop, { once: true });
      try {
        await Promise.race([rung, this.#clock.pause(ms, over.signal).catch(() => {})]);
      } finally {
        this.#wake = null;
        signal.removeEventListener('abort', stop);
        over.abort();
      }
    }
    this.#rung = false;
    signal.throwIfAborted();
  }
}
