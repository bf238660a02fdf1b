import { type Client, isZooKeeperError, type WatchEventType, type Watcher } from '@headkeeper/client';
import type { Wait } from '../wait.ts';

/** Hears one event of a watch, or that the session has ended, whichever comes first. */
export class Ear {
  /** For the request that sets the watch. */
  readonly watch: Watcher;
  readonly #client: Client;
  readonly #path: string;
  readonly #unsubscribe: () => void;
  #heard: WatchEventType | 'session' | null = null;
  #wake: () => void = () => {};

  /** @param path What is watched. */
  constructor(client: Client, path: string) {
    this.#client = client;
    this.#path = path;
    this.watch = ({ type }) => this.#hear(type);
    this.#unsubscribe = client.onEvent(({ type }) => {
      if (type === 'sessionExpired') this.#hear('session');
    });
  }

  /** null: nothing yet. */
  get heard(): WatchEventType | 'session' | null {
    return this.#heard;
  }

  /** Resolves with the event, which may have come before. */
  async event(wait: Wait): Promise<WatchEventType | 'session'> {
    await wait.until((wake) => {
      this.#wake = wake;
      if (this.#heard !== null) wake();
      return () => {};
    });
    return this.#heard as WatchEventType | 'session';
  }

  /** Hears nothing any more. */
  end(): void {
    this.#unsubscribe();
    this.#client.unwatch(this.#path, this.watch);
  }

  #hear(what: WatchEventType | 'session'): void {
    this.#heard ??= what;
    this.#wake();
  }
}

/**
 * Waits for anything to happen to a znode.
 *
 * @returns null when there is no such znode, or the request has to be made again.
 */
export async function anyEvent(
  client: Client,
  path: string,
  session: bigint | null,
  wait: Wait,
): Promise<WatchEventType | 'session' | null> {
  const ear = new Ear(client, path);
  try {
    const bound = session === null ? {} : { session };
    // Not exists, which would leave a watch behind on a znode that has gone.
    await client.getData(path, { ...bound, signal: wait.signal, watch: ear.watch });
    return await ear.event(wait);
  } catch (error) {
    if (!isZooKeeperError(error, 'noNode', 'sessionExpired')) await wait.afterFailure(error);
    return null;
  } finally {
    ear.end();
  }
}

/** Resolves when there is no such znode. */
export async function untilGone(client: Client, path: string, wait: Wait): Promise<void> {
  for (;;) {
    try {
      if ((await anyEvent(client, path, null, wait)) === 'deleted') return;
      if ((await client.exists(path, { signal: wait.signal })) === null) return;
    } catch (error) {
      await wait.afterFailure(error);
    }
  }
}
