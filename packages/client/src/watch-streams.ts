import type { Client } from './client.ts';
import { isZooKeeperError } from './core/errors.ts';
import type { WatchEvent, Watcher } from './core/watch-table.ts';
import type { Children, Znode } from './core/znode.ts';

/** Events that a slow reader of `watchEvents` may be behind; then they become one `gap`. */
const MOST_EVENTS_BEHIND = 10_000;
/** Before what has failed is asked again; milliseconds. */
const PAUSE_MS = 100;

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
    const znode = await orMissing(client.getData(path, { ...options, watch }));
    if (znode !== null) return znode;
    // Created between the two requests: read it again.
    return (await client.exists(path, { ...options, watch })) === null ? null : undefined;
  };
  for await (const state of states(client, path, read, options.signal)) {
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
    const children = await orMissing(client.getChildren(path, { ...options, watch }));
    if (children !== null) return children;
    return (await client.exists(path, { ...options, watch })) === null ? null : undefined;
  };
  for await (const state of states(client, path, read, options.signal)) {
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
  const watch = await orOver(client, client.addWatch(path, mode, add, options), signal);
  if (watch === undefined) return;
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
    // Nobody waits for the server to know.
    watch.remove().catch(() => {});
  }
}

/** Reads, waits for the watch, reads again. What a reconnect or another session breaks is read again as well. */
async function* states<State>(
  client: Client,
  path: string,
  read: (watch: Watcher) => Promise<State | undefined>,
  signal: AbortSignal | undefined,
): AsyncGenerator<State, void, undefined> {
  let wake: () => void = () => {};
  let isClosed = false;
  const watch: Watcher = (event) => {
    isClosed ||= event.type === 'closed';
    wake();
  };
  const aborted = (): void => wake();
  signal?.addEventListener('abort', aborted);
  try {
    while (!isAborted(signal)) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const state = await orOver(client, orAgain(client, read(watch)), signal);
      if (isAborted(signal) || client.state === 'closed') return;
      if (state === undefined) continue;
      yield state;
      await changed;
      if (isClosed) return;
    }
  } finally {
    signal?.removeEventListener('abort', aborted);
    client.unwatch(path, watch);
  }
}

/** What an abort of this signal rejects, or the end of the client, has no result. */
async function orOver<T>(client: Client, answer: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    const isOver = isAborted(signal) ? isZooKeeperError(error, 'aborted') : client.state === 'closed';
    if (isOver) return undefined;
    throw error;
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

/** What passes: a lost connection, an expired session, an answer that took too long. It is asked again in a while. */
async function orAgain<T>(client: Client, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (!isZooKeeperError(error, 'connectionLoss', 'sessionExpired', 'requestTimeout', 'throttledOp')) throw error;
    await new Promise<void>((resolve) => client.after(PAUSE_MS, resolve));
    return undefined;
  }
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
