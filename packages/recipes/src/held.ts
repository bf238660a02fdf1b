import type { Client } from '@headkeeper/client';
import type { Place } from './line/place.ts';
import { holdBySession, type SessionHold } from './session-hold.ts';
import { bounded, type WaitOptions } from './wait.ts';

/** Something that is held until it is released, or lost with the session. */
export interface Hold {
  /** Aborted, with a HoldLostError, as soon as others may hold it, too. What was begun under it has to stop then. */
  readonly signal: AbortSignal;
  /** Gives it up. Safe to call again, and after a loss. Beyond the bounds given it goes on in the background. */
  release(options?: WaitOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What can be held: a lock, a lease of a semaphore. */
export interface Lock {
  acquire(options?: WaitOptions): Promise<Hold>;
  /** null: it cannot be had without waiting for somebody. */
  tryAcquire(options?: WaitOptions): Promise<Hold | null>;
}

/** A lock, lease or leadership that one znode stands for. */
export class Held implements Hold {
  readonly #client: Client;
  readonly #place: Place;
  readonly #hold: SessionHold;

  /** @internal */
  constructor(client: Client, place: Place) {
    this.#client = client;
    this.#place = place;
    this.#hold = holdBySession(client, place.session, place.path);
  }

  /** The znode. */
  get path(): string {
    return this.#place.path;
  }

  /**
   * A number that grows from holder to holder: the zxid that created the znode. Whoever is written to under the lock should
   * refuse a lower one than it has seen, for no lock can stop a process that sleeps and wakes up late.
   */
  get token(): number {
    return this.#place.token;
  }

  /** The session it lives with: requests bound to it (`CallOptions.session`) are not sent in a later one. */
  get session(): bigint {
    return this.#place.session;
  }

  get signal(): AbortSignal {
    return this.#hold.signal;
  }

  /**
   * Deletes the znode; resolves when it is gone, or its session or the client has ended. Lost connections are waited out,
   * beyond the bounds given in the background.
   *
   * @throws ZooKeeperError when the servers do not allow it, such as noAuth; aborted, requestTimeout (`timeoutMs`).
   */
  release(options?: WaitOptions): Promise<void> {
    this.#hold.release();
    return releaseWithin(this.#client, this.path, options, this.#place.remove());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** Waits for a release that is under way, as long as the caller does. */
export function releaseWithin(
  client: Client,
  path: string,
  options: WaitOptions | undefined,
  removal: Promise<void>,
): Promise<void> {
  if (options === undefined) return removal;
  return bounded(client, 'release', path, options, (wait) => wait.forRemoval(removal));
}

/**
 * Runs something under a hold and releases it.
 *
 * @throws HoldLostError when it was lost on the way and the work did not fail by itself.
 */
export async function runUnder<H extends Hold, T>(hold: H, work: (held: H) => Promise<T> | T): Promise<T> {
  await using held = hold;
  const result = await work(held);
  held.signal.throwIfAborted();
  return result;
}
