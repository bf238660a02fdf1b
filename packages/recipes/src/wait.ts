import { type Client, isZooKeeperError, ZooKeeperError } from '@headkeeper/client';
import { onAbort } from '@headkeeper/client/internal';
import { checkBounds } from './checked.ts';
import { passesInSession } from './passing.ts';

/** Bounds of a call that may wait for others. */
export interface WaitOptions {
  /** Gives the wait up: the call is rejected with a ZooKeeperError `aborted`. */
  readonly signal?: AbortSignal;
  /** Milliseconds from the call on, after which it is rejected with a ZooKeeperError `requestTimeout`; no limit unless given. */
  readonly timeoutMs?: number;
}

/** Milliseconds until something is tried again that the servers, or the client's own limits, refused for the moment. */
const REFUSED_PAUSE_MS = 50;
/** What timers can be set for, milliseconds. */
const LONGEST_PAUSE_MS = 0x7fffffff;

/** One wait of a recipe, from its call to its end. Requests are given its `signal`. */
export class Wait {
  readonly #client: Client;
  readonly #operation: string;
  readonly #path: string;
  readonly #controller: AbortController = new AbortController();
  readonly #end: () => void;
  #failure: ZooKeeperError | null = null;

  /** @throws TypeError for options that are none. */
  constructor(client: Client, operation: string, path: string, options: WaitOptions) {
    checkBounds(operation, options);
    this.#client = client;
    this.#operation = operation;
    this.#path = path;
    const { signal, timeoutMs } = options;
    const aborted = (): void => this.#giveUp('aborted', { cause: signal?.reason });
    const timer =
      timeoutMs === undefined
        ? null
        : client.after(timeoutMs, () => this.#giveUp('requestTimeout', { detail: `not within ${timeoutMs} ms` }));
    const forget = signal === undefined ? null : onAbort(signal, aborted);
    this.#end = () => {
      timer?.cancel();
      forget?.();
    };
    if (signal?.aborted === true) aborted();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** @throws ZooKeeperError when the wait is over. */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** No limits any more. */
  end(): void {
    this.#end();
  }

  [Symbol.dispose](): void {
    this.end();
  }

  /** Resolves when `wake` is called, which may be at once; what `subscribe` returns is called at the end. */
  async until(subscribe: (wake: () => void) => () => void): Promise<void> {
    this.check();
    let unsubscribe: () => void = () => {};
    let aborted: () => void = () => {};
    try {
      await new Promise<void>((resolve) => {
        aborted = resolve;
        this.signal.addEventListener('abort', aborted);
        unsubscribe = subscribe(resolve);
      });
    } finally {
      this.signal.removeEventListener('abort', aborted);
      unsubscribe();
    }
    this.check();
  }

  /** Waits for something to be removed, which goes on in the background when the wait is given up. @throws its failure */
  async forRemoval(removal: Promise<void>): Promise<void> {
    let failure: { readonly error: unknown } | null = null;
    const isOver = removal.catch((error: unknown) => {
      failure = { error };
    });
    await this.until((wake) => {
      void isOver.then(wake);
      return () => {};
    });
    if (failure !== null) throw (failure as { readonly error: unknown }).error;
  }

  /** For a request that failed: returns when it makes sense to go on, and throws what the caller has to know. */
  async afterFailure(error: unknown): Promise<void> {
    this.check();
    if (!passesInSession(error)) throw error;
    if (isZooKeeperError(error, 'throttledOp', 'tooManyPending')) await this.pause(REFUSED_PAUSE_MS);
  }

  /** Resolves when `event` does. */
  event(event: Promise<void>): Promise<void> {
    return this.until((wake) => {
      void event.then(wake);
      return () => {};
    });
  }

  /** Resolves after so many milliseconds; sooner when `event` does, or when the longest time that can be waited is over. */
  pause(ms: number, event?: Promise<void>): Promise<void> {
    return this.until((wake) => {
      const timer = this.#client.after(Math.min(Math.ceil(ms), LONGEST_PAUSE_MS), wake);
      void event?.then(wake);
      return () => timer.cancel();
    });
  }

  /** The session that the client has, as soon as it has one. */
  async session(): Promise<bigint> {
    for (;;) {
      const { id } = this.#client.session;
      if (id !== 0n) return id;
      // Rejects when the client is closed.
      if (this.#client.state === 'closed' || this.#client.state === 'authFailed') await this.#client.exists('/');
      await this.until((wake) => this.#client.onEvent(wake));
    }
  }

  #giveUp(code: 'aborted' | 'requestTimeout', more: { readonly cause?: unknown; readonly detail?: string }): void {
    if (this.#failure !== null) return;
    const facts = { code, operation: this.#operation, path: this.#path, outcome: 'not applied' } as const;
    this.#failure = new ZooKeeperError({ ...facts, ...more });
    this.#end();
    this.#controller.abort(this.#failure);
  }
}

/** Bounds one call of a recipe. */
export async function bounded<T>(
  client: Client,
  operation: string,
  path: string,
  options: WaitOptions,
  call: (wait: Wait) => Promise<T>,
): Promise<T> {
  using wait = new Wait(client, operation, path, options);
  wait.check();
  return await call(wait);
}
