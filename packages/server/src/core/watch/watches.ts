import { EventType, WatcherType } from '@headkeeper/protocol';
import { RecordStore } from './record-store.ts';
import { CONNECTION, PLACE, WatchIndex } from './watch-index.ts';
import { PATH_CHILD, PATH_DATA, PATH_RECURSIVE, WatchedPaths } from './watched-paths.ts';

/** What a registration asks for, as bits: they may be combined (client-protocol reference, section 6.2). */
export const WatchKind = { dataOneShot: 1, childOneShot: 2, persistent: 4, recursive: 8 } as const;
/** An or of `WatchKind` bits. */
export type WatchKinds = number;

/** Kinds that live in the data table and in the child table. A persistent watch is in both. */
const DATA_KINDS = WatchKind.dataOneShot | WatchKind.persistent | WatchKind.recursive;
const CHILD_KINDS = WatchKind.childOneShot | WatchKind.persistent;
const ONE_SHOT_KINDS = WatchKind.dataOneShot | WatchKind.childOneShot;

/**
 * Fields of a watch's record beside those of its index. `PREV_ON_PATH` of a list's first watch is its last one, and
 * `NEXT_ON_PATH` of the last is 0.
 */
const KINDS = 3;
const NEXT_ON_PATH = 4;
const PREV_ON_PATH = 5;
const NEXT_OF_CONNECTION = 6;
const PREV_OF_CONNECTION = 7;

/** The connections that one event is for: `slots[0, count)`, each once. Reused from event to event. */
export class TriggerResult {
  slots: Int32Array = new Int32Array(64);
  count = 0;

  push(slot: number): void {
    if (this.count === this.slots.length) {
      const larger = new Int32Array(this.count * 2);
      larger.set(this.slots);
      this.slots = larger;
    }
    this.slots[this.count++] = slot;
  }
}

/**
 * All watches of one server, with the rules of ZooKeeper 3.9: one-shot, persistent and recursive watches of one connection
 * on one path live side by side, and each is removed on its own. Paths are UTF-8 bytes `bytes[start, end)` and are not
 * validated here; connections are small slot numbers, because arrays are indexed by them.
 *
 * Filtering by READ permission, and the event frames, are the caller's work: a one-shot watch is used up by its event
 * whether or not the event is delivered (section 6.7).
 */
export class WatchTable {
  /** Connections with a data watch, paths with a data watch, data watches: what `wchs` reports. */
  dataConnectionCount = 0;
  dataPathCount = 0;
  dataWatchCount = 0;
  /** Watches in the child table. */
  childWatchCount = 0;
  readonly #paths: WatchedPaths;
  readonly #watches: RecordStore = new RecordStore();
  readonly #index: WatchIndex;
  readonly #ancestors: number[] = [];
  #recursiveCount = 0;
  /** By connection: its first watch, its watches in the data table, the number of the last event it was named for. */
  #firstOfConnection: Int32Array = new Int32Array(64);
  #dataWatchesOfConnection: Int32Array = new Int32Array(64);
  #countOfConnection: Int32Array = new Int32Array(64);
  #lastEvent: Uint32Array = new Uint32Array(64);
  #event = 0;

  constructor(hashSeed: number) {
    this.#index = new WatchIndex(this.#watches, hashSeed);
    this.#paths = new WatchedPaths(hashSeed);
  }

  /** Entries of both tables together, as in `zk_watch_count`: a persistent watch counts twice. */
  get watchCount(): number {
    return this.#watches.count;
  }

  /** Paths with a watch of any kind. */
  get pathCount(): number {
    return this.#paths.count;
  }

  /** Entries of one connection. */
  countOf(connection: number): number {
    return connection < this.#countOfConnection.length ? this.#countOfConnection[connection] : 0;
  }

  /** Memory taken by the bytes of the watched paths. */
  get pathBytes(): number {
    return this.#paths.byteSize;
  }

  /** Registers what `kinds` names; what is there already stays as it is. */
  add(connection: number, bytes: Uint8Array, start: number, end: number, kinds: WatchKinds): void {
    if (connection >= this.#firstOfConnection.length) this.#growConnections(connection);
    const path = this.#paths.intern(bytes, start, end);
    if ((kinds & DATA_KINDS) !== 0) this.#addTo(path, PATH_DATA, connection, kinds & DATA_KINDS);
    if ((kinds & CHILD_KINDS) !== 0) this.#addTo(path, PATH_CHILD, connection, kinds & CHILD_KINDS);
    this.#paths.release(path);
  }

  /** Removes every watch of a connection, in time proportional to their number. */
  removeConnection(connection: number): void {
    if (connection >= this.#firstOfConnection.length) return;
    let watch = this.#firstOfConnection[connection];
    while (watch !== 0) {
      const next = this.#watches.get(watch, NEXT_OF_CONNECTION);
      const path = this.#watches.get(watch, PLACE) >>> 1;
      this.#drop(watch);
      this.#paths.release(path);
      watch = next;
    }
    this.#shrinkWhenEmpty();
  }

  /**
   * removeWatches: 1 and 2 take away the one-shot child or data watch, 4 and 5 the persistent or the recursive one, 3 all
   * (section 6.6). False when there was nothing to remove, also for an unknown type.
   */
  remove(connection: number, bytes: Uint8Array, start: number, end: number, watcherType: number): boolean {
    if (!this.#hasWatches(connection)) return false;
    const path = this.#paths.find(bytes, start, end);
    if (path === 0) return false;
    const kinds = kindsOf(watcherType);
    const fromData = this.#removeFrom(path, PATH_DATA, connection, kinds & DATA_KINDS);
    const fromChild = this.#removeFrom(path, PATH_CHILD, connection, kinds & CHILD_KINDS);
    this.#paths.release(path);
    this.#shrinkWhenEmpty();
    return fromData || fromChild;
  }

  /** checkWatches: whether `remove` would remove anything. */
  has(connection: number, bytes: Uint8Array, start: number, end: number, watcherType: number): boolean {
    if (!this.#hasWatches(connection)) return false;
    const path = this.#paths.find(bytes, start, end);
    if (path === 0) return false;
    const kinds = kindsOf(watcherType);
    const data = this.#find(path, PATH_DATA, connection);
    if (data !== 0 && (this.#watches.get(data, KINDS) & kinds) !== 0) return true;
    const child = this.#find(path, PATH_CHILD, connection);
    return child !== 0 && (this.#watches.get(child, KINDS) & kinds) !== 0;
  }

  /**
   * An event happened to a path: puts the connections to notify into `sink` (which is emptied first), uses up the one-shot
   * watches that it fires, and returns the number of connections. `eventType` is one of protocol's `EventType`.
   */
  trigger(eventType: number, bytes: Uint8Array, start: number, end: number, sink: TriggerResult): number {
    sink.count = 0;
    if (this.#watches.count === 0) return 0;
    this.#beginEvent();
    let path: number;
    if (eventType === EventType.nodeChildrenChanged) {
      if (this.childWatchCount === 0) return 0;
      path = this.#paths.find(bytes, start, end);
      if (path === 0) return 0;
      this.#fire(path, PATH_CHILD, sink);
    } else {
      if (this.#recursiveCount === 0) path = this.#paths.find(bytes, start, end);
      else {
        path = this.#paths.findWithAncestors(bytes, start, end, this.#ancestors);
        for (let i = 0; i < this.#paths.ancestorCount; i++) this.#tellRecursive(this.#ancestors[i], sink);
      }
      if (path === 0) return sink.count;
      this.#fire(path, PATH_DATA, sink);
      if (eventType === EventType.nodeDeleted) this.#fire(path, PATH_CHILD, sink);
    }
    this.#paths.release(path);
    this.#shrinkWhenEmpty();
    return sink.count;
  }

  /**
   * The connections with data watches, as `wchc` shows them (which leaves out the child table), each with its paths. It may be
   * gone through bit by bit while watches come and go: what goes meanwhile may be missing, what is told of was there.
   */
  *dataConnections(): Generator<readonly [connection: number, paths: Iterable<string>]> {
    for (let connection = 0; connection < this.#firstOfConnection.length; connection++) {
      if (this.#dataWatchesOfConnection[connection] > 0) yield [connection, this.#dataPathsOf(connection)];
    }
  }

  *#dataPathsOf(connection: number): Generator<string> {
    const watches = this.#watches;
    const found: number[] = [];
    let watch = this.#firstOfConnection[connection];
    for (; watch !== 0; watch = watches.get(watch, NEXT_OF_CONNECTION)) found.push(watch);
    for (const one of found) {
      // It may have gone meanwhile, and its place belong to another.
      if (one >= watches.end || watches.get(one, KINDS) === 0 || watches.get(one, CONNECTION) !== connection) continue;
      const place = watches.get(one, PLACE);
      if ((place & 1) === 0) yield this.#paths.text(place >>> 1);
    }
  }

  /** The paths with data watches, as `wchp` shows them, each with its connections. May be gone through bit by bit, too. */
  *dataPaths(): Generator<readonly [path: string, connections: readonly number[]]> {
    const watches = this.#watches;
    for (let path = 1; path < this.#paths.records.end; path++) {
      if (!this.#paths.isUsed(path)) continue;
      let watch = this.#paths.records.get(path, PATH_DATA);
      if (watch === 0) continue;
      const connections: number[] = [];
      for (; watch !== 0; watch = watches.get(watch, NEXT_ON_PATH)) connections.push(watches.get(watch, CONNECTION));
      yield [this.#paths.text(path), connections];
    }
  }

  #hasWatches(connection: number): boolean {
    return connection < this.#firstOfConnection.length && this.#firstOfConnection[connection] !== 0;
  }

  /** Adds every watch on the path in this table to `sink`, and takes its one-shot part away. */
  #fire(path: number, table: number, sink: TriggerResult): void {
    const watches = this.#watches;
    let watch = this.#paths.records.get(path, table);
    while (watch !== 0) {
      const next = watches.get(watch, NEXT_ON_PATH);
      this.#tell(watches.get(watch, CONNECTION), sink);
      const kept = watches.get(watch, KINDS) & ~ONE_SHOT_KINDS;
      if (kept === 0) this.#drop(watch);
      else watches.set(watch, KINDS, kept);
      watch = next;
    }
  }

  #tellRecursive(path: number, sink: TriggerResult): void {
    const watches = this.#watches;
    let watch = this.#paths.records.get(path, PATH_DATA);
    for (let left = this.#paths.records.get(path, PATH_RECURSIVE); left > 0; left--) {
      this.#tell(watches.get(watch, CONNECTION), sink);
      watch = watches.get(watch, NEXT_ON_PATH);
    }
  }

  #tell(connection: number, sink: TriggerResult): void {
    if (this.#lastEvent[connection] === this.#event) return;
    this.#lastEvent[connection] = this.#event;
    sink.push(connection);
  }

  #beginEvent(): void {
    this.#event = (this.#event + 1) >>> 0;
    if (this.#event !== 0) return;
    this.#lastEvent.fill(0);
    this.#event = 1;
  }

  #addTo(path: number, table: number, connection: number, kinds: number): void {
    const watches = this.#watches;
    let watch = this.#find(path, table, connection);
    const before = watch === 0 ? 0 : watches.get(watch, KINDS);
    if (watch === 0) {
      watch = watches.allocate();
      watches.set(watch, CONNECTION, connection);
      watches.set(watch, PLACE, placeOf(path, table));
      this.#linkToConnection(watch, connection);
      this.#count(connection, path, table, 1);
      this.#linkToPath(watch, path, table, (kinds & WatchKind.recursive) !== 0);
      this.#index.enter(watch);
    } else if ((kinds & ~before & WatchKind.recursive) !== 0) {
      this.#unlinkFromPath(watch, path, table);
      this.#linkToPath(watch, path, table, true);
    }
    watches.set(watch, KINDS, before | kinds);
    if ((kinds & ~before & WatchKind.recursive) !== 0) this.#countRecursive(path, 1);
  }

  #removeFrom(path: number, table: number, connection: number, kinds: number): boolean {
    const watches = this.#watches;
    const watch = this.#find(path, table, connection);
    if (watch === 0) return false;
    const before = watches.get(watch, KINDS);
    const kept = before & ~kinds;
    if (kept === before) return false;
    if (kept === 0) {
      this.#drop(watch);
      return true;
    }
    watches.set(watch, KINDS, kept);
    if ((before & ~kept & WatchKind.recursive) !== 0) {
      this.#countRecursive(path, -1);
      this.#unlinkFromPath(watch, path, table);
      this.#linkToPath(watch, path, table, false);
    }
    return true;
  }

  /** Takes a watch out of every list and frees it. The caller releases its path. */
  #drop(watch: number): void {
    const watches = this.#watches;
    const connection = watches.get(watch, CONNECTION);
    const place = watches.get(watch, PLACE);
    const path = place >>> 1;
    const table = (place & 1) === 0 ? PATH_DATA : PATH_CHILD;
    if ((watches.get(watch, KINDS) & WatchKind.recursive) !== 0) this.#countRecursive(path, -1);
    this.#index.leave(watch);
    this.#unlinkFromPath(watch, path, table);
    this.#count(connection, path, table, -1);
    this.#unlinkFromConnection(watch, connection);
    watches.free(watch);
  }

  /** Keeps the public counts. Called while the watch being added or dropped is not in its path's list. */
  #count(connection: number, path: number, table: number, change: 1 | -1): void {
    if (table === PATH_CHILD) {
      this.childWatchCount += change;
      return;
    }
    this.dataWatchCount += change;
    if (this.#paths.records.get(path, PATH_DATA) === 0) this.dataPathCount += change;
    const before = this.#dataWatchesOfConnection[connection];
    this.#dataWatchesOfConnection[connection] = before + change;
    if (before === 0) this.dataConnectionCount++;
    else if (before + change === 0) this.dataConnectionCount--;
  }

  #countRecursive(path: number, change: 1 | -1): void {
    this.#recursiveCount += change;
    this.#paths.records.set(path, PATH_RECURSIVE, this.#paths.records.get(path, PATH_RECURSIVE) + change);
  }

  #linkToPath(watch: number, path: number, table: number, atFront: boolean): void {
    const watches = this.#watches;
    const first = this.#paths.records.get(path, table);
    if (first === 0) {
      watches.set(watch, NEXT_ON_PATH, 0);
      watches.set(watch, PREV_ON_PATH, watch);
      this.#paths.records.set(path, table, watch);
      return;
    }
    const last = watches.get(first, PREV_ON_PATH);
    watches.set(watch, PREV_ON_PATH, last);
    watches.set(first, PREV_ON_PATH, watch);
    if (atFront) {
      watches.set(watch, NEXT_ON_PATH, first);
      this.#paths.records.set(path, table, watch);
    } else {
      watches.set(watch, NEXT_ON_PATH, 0);
      watches.set(last, NEXT_ON_PATH, watch);
    }
  }

  #unlinkFromPath(watch: number, path: number, table: number): void {
    const watches = this.#watches;
    const first = this.#paths.records.get(path, table);
    const next = watches.get(watch, NEXT_ON_PATH);
    const prev = watches.get(watch, PREV_ON_PATH);
    if (watch === first) this.#paths.records.set(path, table, next);
    else watches.set(prev, NEXT_ON_PATH, next);
    if (next !== 0) watches.set(next, PREV_ON_PATH, prev);
    else if (watch !== first) watches.set(first, PREV_ON_PATH, prev);
  }

  #linkToConnection(watch: number, connection: number): void {
    const first = this.#firstOfConnection[connection];
    this.#watches.set(watch, NEXT_OF_CONNECTION, first);
    if (first !== 0) this.#watches.set(first, PREV_OF_CONNECTION, watch);
    this.#firstOfConnection[connection] = watch;
    this.#countOfConnection[connection]++;
  }

  #unlinkFromConnection(watch: number, connection: number): void {
    this.#countOfConnection[connection]--;
    const next = this.#watches.get(watch, NEXT_OF_CONNECTION);
    const prev = this.#watches.get(watch, PREV_OF_CONNECTION);
    if (prev === 0) this.#firstOfConnection[connection] = next;
    else this.#watches.set(prev, NEXT_OF_CONNECTION, next);
    if (next !== 0) this.#watches.set(next, PREV_OF_CONNECTION, prev);
  }

  #find(path: number, table: number, connection: number): number {
    return this.#index.find(placeOf(path, table), connection);
  }

  #growConnections(connection: number): void {
    const length = Math.max(connection + 1, this.#firstOfConnection.length * 2);
    const first = new Int32Array(length);
    first.set(this.#firstOfConnection);
    this.#firstOfConnection = first;
    const counts = new Int32Array(length);
    counts.set(this.#dataWatchesOfConnection);
    this.#dataWatchesOfConnection = counts;
    const all = new Int32Array(length);
    all.set(this.#countOfConnection);
    this.#countOfConnection = all;
    const events = new Uint32Array(length);
    events.set(this.#lastEvent);
    this.#lastEvent = events;
  }

  #shrinkWhenEmpty(): void {
    if (this.#watches.count !== 0 || !this.#watches.isLarge) return;
    this.#watches.clear();
    this.#index.clear();
  }
}

function placeOf(path: number, table: number): number {
  return path * 2 + (table === PATH_CHILD ? 1 : 0);
}

function kindsOf(watcherType: number): number {
  switch (watcherType) {
    case WatcherType.children:
      return WatchKind.childOneShot;
    case WatcherType.data:
      return WatchKind.dataOneShot;
    case WatcherType.persistent:
      return WatchKind.persistent;
    case WatcherType.persistentRecursive:
      return WatchKind.recursive;
    case WatcherType.any:
      return DATA_KINDS | CHILD_KINDS;
    default:
      return 0;
  }
}
