import { Observations } from '../../core/statistics/observations.ts';

export interface PauseMonitorOptions {
  /** Pause between two looks at the clock, milliseconds. */
  readonly sleepMs: number;
  readonly infoMs: number;
  readonly warnMs: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
  readonly log: {
    info(facts: object, message: string): void;
    warn(facts: object, message: string): void;
  };
}

/**
 * Notices that the event loop stood still: a timer comes later than it was set for. Apache ZooKeeper finds the pauses of Java's
 * garbage collector so, with a thread that sleeps.
 */
export class PauseMonitor {
  /** By how much the timer was late, milliseconds, each time. */
  readonly pauses: Observations = new Observations();
  readonly #options: PauseMonitorOptions;
  readonly #timer: NodeJS.Timeout;
  #lookedMs: number;

  constructor(options: PauseMonitorOptions) {
    this.#options = options;
    this.#lookedMs = options.nowMs();
    this.#timer = setTimeout(() => this.#look(), options.sleepMs).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const { sleepMs, infoMs, warnMs, nowMs, log } = this.#options;
    const pauseMs = Math.max(0, Math.round(nowMs() - this.#lookedMs - sleepMs));
    this.#lookedMs = nowMs();
    this.pauses.add(pauseMs);
    if (pauseMs > warnMs) log.warn({ pauseMs }, 'the event loop stood still');
    else if (pauseMs > infoMs) log.info({ pauseMs }, 'the event loop stood still');
    this.#timer.refresh();
  }
}
