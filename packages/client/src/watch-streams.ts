import type { Client } from './client.ts';
import { isZooKeeperError, ZooKeeperError } from './core/errors.ts';
import type { WatchEvent, Watcher } from './core/watch-table.ts';
import type { Children, Znode } from './core/znode.ts';

/** Events that a slow reader of `watchEvents` may be behind; then they become one `gap`. */
const MOST_EVENTS_BEHIND = 10_000;

export interface StreamOptions {
  /** Ends the stream, without an error. */
  readonly signal?: AbortSignal;
}

/**
 * A znode's data and stat, and again whenever they have changed; null while there is no such znode. Every state that lasts
 * is seen, over reconnects and expired sessions; states that follow one another faster than they are read are left out.
 * Ends with the client.
 */
export async function* watchData(
  client: Client,
  path: string,
  options: StreamOptions = {},
): AsyncGenerator<Znode | null, void, undefined> {
  let last: Znode | null | undefined;
  const read = async (watch: Watcher): Promise<Znode | null | undefined> => {
    const znode = await orMissing(client.getData(path, { watch }));
    if (znode !== null) return znode;
    // Created between the two requests: read it again.
    return (await client.exists(path, { watch })) === null ? null : undefined;
  };
  for await (const state of states(read, options.signal)) {
    if (last !== undefined && sameZnode(last, state)) continue;
    last = state;
    yield state;
  }
}

/** The names of a znode's children, and again whenever they have changed; null while there is no such znode. */
export async function* watchChildren(
  client: Client,
  path: string,
  options: StreamOptions = {},
): AsyncGenerator<Children | null, void, undefined> {
  let last: Children | null | undefined;
  const read = async (watch: Watcher): Promise<Children | null | undefined> => {
    const children = await orMissing(client.getChildren(path, { watch }));
    if (children !== null) return children;
    return (await client.exists(path, { watch })) === null ? null : undefined;
  };
  for await (const state of states(read, options.signal)) {
    if (last !== undefined && sameChildren(last, state)) continue;
    last = state;
    yield state;
  }
}

/**
 * Every event on a znode, or on it and all below it. After a reconnect, or when the reader is 10,000 events behind, there
 * is a `gap`: read anew what matters. Servers from 3.6 on.
 */
export async function* watchEvents(
  client: Client,
  path: string,
  mode: 'persistent' | 'recursive',
  options: StreamOptions = {},
): AsyncGenerator<WatchEvent, void, undefined> {
  const { signal } = options;
  let events: WatchEvent[] = [];
  let wake: (() => void) | null = null;
  const add = (event: WatchEvent): void => {
    if (events.length >= MOST_EVENTS_BEHIND) events = [{ type: 'gap', path, zxid: null }];
    else events.push(event);
    wake?.();
  };
  const aborted = (): void => wake?.();
  if (isAborted(signal)) return;
  const watch = await client.addWatch(path, mode, add);
  signal?.addEventListener('abort', aborted);
  try {
    for (;;) {
      const batch = events;
      events = [];
      for (const event of batch) {
        if (event.type === 'closed' || isAborted(signal)) return;
        yield event;
      }
      if (isAborted(signal)) return;
      if (events.length > 0) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = null;
    }
  } finally {
    signal?.removeEventListener('abort', aborted);
    await watch.remove().catch(() => {});
  }
}

/** Reads, waits for the watch, reads again. What a reconnect or another session breaks is read again as well. */
async function* states<State>(
  read: (watch: Watcher) => Promise<State | undefined>,
  signal: AbortSignal | undefined,
): AsyncGenerator<State, void, undefined> {
  let wake: () => void = () => {};
  const aborted = (): void => wake();
  signal?.addEventListener('abort', aborted);
  try {
    while (!isAborted(signal)) {
      let isClosed = false;
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const state = await orAgain(
        read((event) => {
          isClosed ||= event.type === 'closed';
          wake();
        }),
      );
      if (isAborted(signal)) return;
      if (state === undefined) continue;
      yield state;
      await changed;
      if (isClosed) return;
    }
  } finally {
    signal?.removeEventListener('abort', aborted);
  }
}

async function orMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isZooKeeperError(error, 'noNode')) return null;
    throw error;
  }
}

/** What passes: a lost connection, an expired session, an answer that took too long. */
async function orAgain<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ZooKeeperError && isPassing(error)) return undefined;
    throw error;
  }
}

function isPassing(error: ZooKeeperError): boolean {
  return isZooKeeperError(error, 'connectionLoss', 'sessionExpired', 'requestTimeout', 'throttledOp');
}

function sameZnode(a: Znode | null, b: Znode | null): boolean {
  if (a === null || b === null) return a === b;
  return a.stat.czxid === b.stat.czxid && a.stat.mzxid === b.stat.mzxid && a.stat.aversion === b.stat.aversion;
}

function sameChildren(a: Children | null, b: Children | null): boolean {
  if (a === null || b === null) return a === b;
  return a.stat.czxid === b.stat.czxid && a.stat.pzxid === b.stat.pzxid;
}

/** Asked anew each time: the compiler would take an earlier answer for the next one. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false;
}
