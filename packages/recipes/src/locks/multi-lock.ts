import { type Hold, type Lock, runUnder } from '../held.ts';
import type { WaitOptions } from '../wait.ts';

/**
 * Several locks held as one, as Curator's `InterProcessMultiLock`: all or none. They are acquired in the order given and
 * released in the reverse one; give them in the same order everywhere, or two that want the same may wait for one another.
 *
 * It has no znodes of its own. When one of the locks is lost, the signal of the whole is aborted with that one's reason.
 */
export class MultiLock implements Lock {
  readonly #locks: readonly Lock[];

  /** @throws TypeError for what is no list of locks. */
  constructor(locks: readonly Lock[]) {
    if (!Array.isArray(locks) || !locks.every((lock) => typeof lock?.acquire === 'function')) {
      throw new TypeError('MultiLock: the locks have to be an array of locks, such as [new Mutex(...)]');
    }
    this.#locks = [...locks];
  }

  /** Waits for all of them; those that it has are released if it fails, in the background. `timeoutMs` is for each, `signal` for all. */
  async acquire(options: WaitOptions = {}): Promise<MultiHold> {
    const holds: Hold[] = [];
    try {
      for (const lock of this.#locks) holds.push(await lock.acquire(options));
    } catch (error) {
      void new MultiHold(holds).release().catch(() => {});
      throw error;
    }
    return new MultiHold(holds);
  }

  /**
   * All of them, or null when one of them cannot be had without waiting: then those that it had are released, beyond the
   * bounds given in the background.
   */
  async tryAcquire(options: WaitOptions = {}): Promise<MultiHold | null> {
    const holds: Hold[] = [];
    try {
      for (const lock of this.#locks) {
        const hold = await lock.tryAcquire(options);
        if (hold === null) {
          await new MultiHold(holds).release(options);
          return null;
        }
        holds.push(hold);
      }
    } catch (error) {
      void new MultiHold(holds).release().catch(() => {});
      throw error;
    }
    return new MultiHold(holds);
  }

  /** Runs something while all are held. @throws HoldLostError when one was lost before the work was done. */
  async run<T>(work: (held: MultiHold) => Promise<T> | T, options: WaitOptions = {}): Promise<T> {
    return runUnder(await this.acquire(options), work);
  }
}

/** What a `MultiLock` holds. */
export class MultiHold implements Hold {
  /** In the order of the locks. */
  readonly holds: readonly Hold[];
  readonly #controller: AbortController = new AbortController();

  /** @internal */
  constructor(holds: readonly Hold[]) {
    this.holds = holds;
    for (const { signal } of holds) {
      const lost = (): void => this.#controller.abort(signal.reason);
      if (signal.aborted) lost();
      else signal.addEventListener('abort', lost, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Releases all of them, the last one first, each within the bounds given. @throws The first failure, after all were tried. */
  async release(options?: WaitOptions): Promise<void> {
    const released = await Promise.allSettled(this.holds.toReversed().map((hold) => hold.release(options)));
    for (const each of released) if (each.status === 'rejected') throw each.reason;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
