import {
  type CallOptions,
  type Client,
  isZooKeeperError,
  type StreamOptions,
  type Watch,
  type WatchEvent,
  ZooKeeperError,
} from '@headkeeper/client';
import { Alarm, pause } from '../alarm.ts';
import { checkRecipe } from '../checked.ts';
import { passesInTime } from '../passing.ts';
import { Wait } from '../wait.ts';
import { childPath } from '../znode-name.ts';
import { type CacheChange, type CachedNode, changeOf } from './cached-node.ts';

/** Before something that did not go is asked for again. */
const PAUSE_MS = 100;

export interface CacheOptions {
  /** How far below the path: 0 for the znode alone, 1 with its children; everything unless given. */
  readonly depth?: number;
}

interface Entry {
  readonly node: CachedNode;
  /** The last full reading that has seen it. */
  readonly round: number;
}

/**
 * A copy of a znode, of its children, or of all below it, that follows the servers: node cache, path cache and tree
 * cache in one. It need not be there yet.
 *
 * **Guarantee.** One persistent watch tells of every change, and what has changed is read again. Each znode only ever
 * moves forward in time. `get` and `entries` show each znode as last read; `snapshot` shows all of them at one moment,
 * when nothing that has changed is still to be read. The copy trails the server that the client is connected to by one
 * round trip, and that server may trail the leader.
 *
 * **Connection loss and session expiry.** The copy stays and grows old (`isCurrent` is false); with the next
 * connection, in the same session or another, everything is read again and the differences are told. What came and went
 * in between is not seen.
 *
 * **Needs** servers from 3.6 on: before, there are no persistent watches, and `start` is rejected. Znodes that this
 * client may not read are left out.
 */
export class Cache {
  readonly path: string;
  readonly #client: Client;
  readonly #depth: number;
  #entries: Map<string, Entry> = new Map();
  /** Paths that are being read, and what has become of them since. */
  readonly #reading: Map<string, 'same' | 'changed' | 'deleted'> = new Map();
  /** What a full reading has found and not read yet. */
  #due: Set<string> = new Set();
  #round = 0;
  #isReadingAll = false;
  #isCurrent = false;
  #isClosed = false;
  #changes = 0;
  #watch: Watch | null = null;
  #starting: Promise<void> | null = null;
  #stopListening: (() => void) | null = null;
  readonly #streams: Set<(path: string, previous: CachedNode | null) => void> = new Set();
  readonly #stirred: Alarm = new Alarm();

  constructor(client: Client, path: string, options: CacheOptions = {}) {
    checkRecipe('Cache', client, path, options);
    this.path = path;
    this.#client = client;
    this.#depth = options.depth ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Begins; resolves when everything has been read once. After a failure it can be called again.
   *
   * @throws ZooKeeperError unimplemented or connectionLoss from servers before 3.6; aborted, requestTimeout, closed.
   */
  async start(options: CallOptions = {}): Promise<void> {
    using wait = new Wait(this.#client, 'start', this.path, options);
    this.#starting ??= this.#begin(options);
    await this.#starting;
    while (this.#round === 0 || this.#isReadingAll) {
      this.#checkOpen();
      await wait.event(this.#stirred.next);
    }
  }

  /** False from a loss of the connection until everything was read again. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(path: string = this.path): CachedNode | null {
    return this.#entries.get(path)?.node ?? null;
  }

  *entries(): Generator<CachedNode, void, undefined> {
    for (const { node } of this.#entries.values()) yield node;
  }

  /** All znodes by their paths at one moment, waiting for one at which nothing is being read. */
  async snapshot(options: CallOptions = {}): Promise<ReadonlyMap<string, CachedNode>> {
    using wait = new Wait(this.#client, 'snapshot', this.path, options);
    this.#checkOpen();
    while (!this.#isSettled) {
      await wait.event(this.#stirred.next);
      this.#checkOpen();
    }
    return new Map([...this.#entries].map(([path, { node }]) => [path, node]));
  }

  /** A snapshot, and another after changes; those that follow one another faster than they are read are left out. */
  async *snapshots(options: StreamOptions = {}): AsyncGenerator<ReadonlyMap<string, CachedNode>, void, undefined> {
    const { signal } = options;
    const bounds = signal === undefined ? {} : { signal };
    using wait = new Wait(this.#client, 'snapshots', this.path, bounds);
    let seen = -1;
    try {
      while (!this.#isClosed) {
        if (seen !== this.#changes && this.#isSettled) {
          seen = this.#changes;
          yield await this.snapshot(bounds);
        } else await wait.event(this.#stirred.next);
      }
    } catch (error) {
      if (!isZooKeeperError(error, 'aborted')) throw error;
    }
  }

  /**
   * Begins with all that is there, as added, and goes on with every change. `previous` is what the reader of this
   * stream was last told: changes of one znode that follow one another faster than they are read become one.
   */
  async *changes(options: StreamOptions = {}): AsyncGenerator<CacheChange, void, undefined> {
    const { signal } = options;
    const told = new Map<string, CachedNode | null>();
    for (const path of this.#entries.keys()) told.set(path, null);
    const changed = (path: string, previous: CachedNode | null): void => {
      if (!told.has(path)) told.set(path, previous);
    };
    this.#streams.add(changed);
    using wait = new Wait(this.#client, 'changes', this.path, signal === undefined ? {} : { signal });
    try {
      for (;;) {
        for (const [path, previous] of told) {
          told.delete(path);
          const change = changeOf(path, previous, this.get(path));
          if (change === null) continue;
          wait.check();
          yield change;
        }
        if (this.#isClosed) return;
        wait.check();
        await wait.event(this.#stirred.next);
      }
    } catch (error) {
      if (!isZooKeeperError(error, 'aborted')) throw error;
    } finally {
      this.#streams.delete(changed);
    }
  }

  /** Stops following; its streams end. */
  async close(): Promise<void> {
    this.#end();
    await this.#watch?.remove().catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin(options: CallOptions): Promise<void> {
    this.#checkOpen();
    this.#stopListening = this.#client.onEvent(({ type }) => {
      if (type === 'disconnected') this.#isCurrent = false;
    });
    try {
      const mode = this.#depth === 0 ? 'persistent' : 'recursive';
      this.#watch = await this.#client.addWatch(this.path, mode, (event) => this.#told(event), options);
    } catch (error) {
      this.#stopListening();
      this.#starting = null;
      throw error;
    }
    if (this.#isClosed) await this.#watch.remove().catch(() => {});
    else this.#readAll();
  }

  #told(event: WatchEvent): void {
    if (this.#isClosed) return;
    const { type, path } = event;
    if (type === 'gap') this.#readAll();
    else if (type === 'closed') this.#end();
    else if (type !== 'childrenChanged' && this.#isInside(path)) {
      if (type === 'deleted') this.#deleted(path);
      else this.#read(path);
    }
  }

  /** Everything, once more. What it does not find, and what no event has shown meanwhile, is gone. */
  #readAll(): void {
    const round = ++this.#round;
    this.#isReadingAll = true;
    const due = new Set<string>();
    this.#due = due;
    this.#isCurrent = false;
    const isOver = (): boolean => round !== this.#round || this.#isClosed;
    const visit = async (path: string, depth: number): Promise<void> => {
      await this.#client.room();
      if (isOver()) return;
      due.add(path);
      this.#read(path);
      if (depth >= this.#depth) return;
      const children = await this.#childrenOf(path, isOver);
      await Promise.all(children.map((name) => visit(childPath(path, name), depth + 1)));
    };
    visit(this.path, 0).then(
      async () => {
        while (!isOver() && due.size > 0) await this.#stirred.next;
        if (isOver()) return;
        for (const [path, entry] of this.#entries) if (entry.round < round) this.#put(path, null);
        this.#isReadingAll = false;
        this.#isCurrent = this.#client.state === 'connected' || this.#client.state === 'connectedReadOnly';
        this.#stirred.ring();
      },
      () => this.#end(),
    );
  }

  async #childrenOf(path: string, isOver: () => boolean): Promise<readonly string[]> {
    for (;;) {
      try {
        return (await this.#client.getChildren(path)).children;
      } catch (error) {
        if (isOver() || isZooKeeperError(error, 'noNode', 'noAuth')) return [];
        if (!passesInTime(error)) throw error;
        await pause(this.#client, PAUSE_MS);
      }
    }
  }

  /** Reads a znode; while it is being read, once more after that. */
  #read(path: string): void {
    const since = this.#reading.get(path);
    if (since === undefined) void this.#keepReading(path);
    else if (since === 'same') this.#reading.set(path, 'changed');
  }

  /** An answer from before the deletion may still be on its way to its promise: it must not bring the znode back. */
  #deleted(path: string): void {
    if (this.#reading.has(path)) this.#reading.set(path, 'deleted');
    this.#put(path, null);
  }

  async #keepReading(path: string): Promise<void> {
    do {
      this.#reading.set(path, 'same');
      try {
        const { data, stat } = await this.#client.getData(path);
        const isOld = this.#reading.get(path) === 'deleted';
        if (!this.#isClosed && !isOld) this.#put(path, { path, data, stat });
      } catch (error) {
        if (isZooKeeperError(error, 'noNode', 'noAuth')) this.#put(path, null);
        else if (passesInTime(error)) {
          await pause(this.#client, PAUSE_MS);
          this.#reading.set(path, 'changed');
        } else this.#end();
      }
    } while (this.#reading.get(path) !== 'same' && !this.#isClosed);
    this.#reading.delete(path);
    this.#stirred.ring();
  }

  #put(path: string, node: CachedNode | null): void {
    this.#due.delete(path);
    if (this.#isReadingAll && this.#due.size === 0) this.#stirred.ring();
    const previous = this.#entries.get(path)?.node ?? null;
    if (node === null) this.#entries.delete(path);
    else if (previous !== null && isSame(previous, node)) {
      this.#entries.set(path, { node: previous, round: this.#round });
      return;
    } else this.#entries.set(path, { node, round: this.#round });
    if (previous === null && node === null) return;
    this.#changes++;
    for (const changed of this.#streams) changed(path, previous);
    this.#stirred.ring();
  }

  get #isSettled(): boolean {
    return this.#round > 0 && !this.#isReadingAll && this.#reading.size === 0;
  }

  #isInside(path: string): boolean {
    if (path === this.path || this.#depth === Number.POSITIVE_INFINITY) return true;
    const below = path.slice(this.path === '/' ? 0 : this.path.length);
    return below.split('/').length - 1 <= this.#depth;
  }

  #end(): void {
    this.#isClosed = true;
    this.#isCurrent = false;
    this.#stopListening?.();
    this.#stirred.ring();
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    const facts = { operation: 'cache', path: this.path, outcome: 'not applied', detail: 'it was closed' } as const;
    throw new ZooKeeperError({ ...facts, code: 'closed' });
  }
}

function isSame(a: CachedNode, b: CachedNode): boolean {
  return a.stat.czxid === b.stat.czxid && a.stat.mzxid === b.stat.mzxid && a.stat.aversion === b.stat.aversion;
}
