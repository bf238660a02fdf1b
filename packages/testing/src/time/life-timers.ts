import type { Timers } from '@headkeeper/server/embedding';
import type { Gate } from '../gate.ts';

/** The timers of one server from its start to its end: they fire through its gate, and end with it. */
export class LifeTimers implements Timers {
  readonly #timers: Timers;
  readonly #gate: Gate;
  readonly #cancels: Set<() => void> = new Set();

  constructor(timers: Timers, gate: Gate) {
    this.#timers = timers;
    this.#gate = gate;
  }

  set(delayMs: number, fn: () => void): () => void {
    let isOff = false;
    const cancelTimer = this.#timers.set(delayMs, () => {
      this.#cancels.delete(cancel);
      this.#gate.pass(() => {
        if (!isOff) fn();
      });
    });
    const cancel = (): void => {
      isOff = true;
      cancelTimer();
      this.#cancels.delete(cancel);
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  /** Calls back every so many milliseconds until the end, behind what has arrived by then. */
  every(ms: number, fn: () => void): void {
    const again = (): void => {
      this.set(ms, () => {
        again();
        setImmediate(() => this.#gate.pass(fn));
      });
    };
    again();
  }

  end(): void {
    for (const cancel of [...this.#cancels]) cancel();
  }
}
