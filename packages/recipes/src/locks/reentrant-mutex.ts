import type { Client } from '@headkeeper/client';
import { type Held, type Hold, releaseWithin, runUnder } from '../held.ts';
import type { ContenderOptions } from '../line/line.ts';
import { bounded, type WaitOptions } from '../wait.ts';
import { Mutex } from './mutex.ts';

interface Ownership {
  readonly held: Held;
  count: number;
}

/**
 * A `Mutex` that its owner may acquire again while he holds it, as Curator's `InterProcessMutex`; it is free when it was
 * released as often. Where Java has threads, here any object is an owner: pass the same one down to whatever may acquire it.
 *
 * Connection loss, session expiry, znodes and company are those of `Mutex`. An owner who has lost the lock and has not
 * released it altogether is told of the loss when he asks again: what he began under it is no longer safe.
 */
export class ReentrantMutex {
  readonly #client: Client;
  readonly #mutex: Mutex;
  readonly #owned: Map<object, Ownership> = new Map();
  /** Who is waiting for the lock: the others of the same owner wait along. */
  readonly #waiting: Map<object, Promise<void>> = new Map();

  constructor(client: Client, path: string, options: ContenderOptions = {}) {
    this.#client = client;
    this.#mutex = new Mutex(client, path, options);
  }

  get path(): string {
    return this.#mutex.path;
  }

  /** How many times the owner has to release. */
  holdsOf(owner: object): number {
    return this.#owned.get(owner)?.count ?? 0;
  }

  /**
   * Waits for the lock, unless the owner has it.
   *
   * @throws HoldLostError when the owner lost it and has not released it; otherwise as `Mutex.acquire`.
   */
  async acquire(owner: object, options: WaitOptions = {}): Promise<ReentrantHold> {
    return bounded(this.#client, 'acquire', this.path, options, async (wait) => {
      for (let others = this.#waiting.get(owner); others !== undefined; others = this.#waiting.get(owner)) {
        const theirs = others;
        await wait.until((wake) => {
          void theirs.then(wake);
          return () => {};
        });
      }
      const asked = (): Promise<Held> =>
        this.#mutex.acquire({ signal: wait.signal }).catch((error) => {
          wait.check();
          throw error;
        });
      return this.#again(owner) ?? this.#first(owner, asked());
    });
  }

  /** The same without waiting for others: null when somebody else has the lock or waits for it. */
  async tryAcquire(owner: object, options: WaitOptions = {}): Promise<ReentrantHold | null> {
    const again = this.#again(owner);
    if (again !== null) return again;
    if (!this.#waiting.has(owner)) return this.#first(owner, this.#mutex.tryAcquire(options));
    // Another call of the owner's is on its way: by the time this one has found it in the line, it has the lock or waits.
    const held = await this.#mutex.tryAcquire(options);
    await held?.release();
    return this.#again(owner);
  }

  /** Runs something while the owner holds the lock. @throws HoldLostError when it was lost before the work was done. */
  async run<T>(owner: object, work: (held: ReentrantHold) => Promise<T> | T, options: WaitOptions = {}): Promise<T> {
    return runUnder(await this.acquire(owner, options), work);
  }

  #again(owner: object): ReentrantHold | null {
    const ownership = this.#owned.get(owner);
    if (ownership === undefined) return null;
    ownership.held.signal.throwIfAborted();
    ownership.count++;
    return this.#hold(owner, ownership);
  }

  async #first<H extends Held | null>(
    owner: object,
    asked: Promise<H>,
  ): Promise<H extends Held ? ReentrantHold : ReentrantHold | null>;
  async #first(owner: object, asked: Promise<Held | null>): Promise<ReentrantHold | null> {
    // Nobody waits for a wait that fails: the next of the owner then asks for himself.
    this.#waiting.set(
      owner,
      asked.then(
        () => {},
        () => {},
      ),
    );
    try {
      const held = await asked;
      if (held === null) return null;
      const ownership = { held, count: 1 };
      this.#owned.set(owner, ownership);
      return this.#hold(owner, ownership);
    } finally {
      this.#waiting.delete(owner);
    }
  }

  #hold(owner: object, ownership: Ownership): ReentrantHold {
    return new ReentrantHold(this.#client, ownership.held, () => {
      ownership.count--;
      if (ownership.count > 0) return Promise.resolve();
      this.#owned.delete(owner);
      return ownership.held.release();
    });
  }
}

/** One of an owner's acquisitions of a `ReentrantMutex`. */
export class ReentrantHold implements Hold {
  readonly #client: Client;
  readonly #held: Held;
  readonly #release: () => Promise<void>;
  #released: Promise<void> | null = null;

  /** @internal */
  constructor(client: Client, held: Held, release: () => Promise<void>) {
    this.#client = client;
    this.#held = held;
    this.#release = release;
  }

  /** The znode; the same for all acquisitions of one owner. */
  get path(): string {
    return this.#held.path;
  }

  /** The fencing token; the same for all acquisitions of one owner. */
  get token(): number {
    return this.#held.token;
  }

  get signal(): AbortSignal {
    return this.#held.signal;
  }

  /** Takes one acquisition back; with the last of the owner the lock is free. */
  release(options?: WaitOptions): Promise<void> {
    this.#released ??= this.#release();
    return releaseWithin(this.#client, this.path, options, this.#released);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
