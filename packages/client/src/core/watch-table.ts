import { EventType } from '@headkeeper/protocol';

/** What happened to a watched znode. */
export type WatchEventType =
  | 'created'
  | 'deleted'
  | 'dataChanged'
  | 'childrenChanged'
  /** Persistent watches only: the connection was lost and is back, and what changed meanwhile is not told. */
  | 'gap'
  /** The client was closed, or cannot authenticate: no more events come. */
  | 'closed';

export interface WatchEvent {
  readonly type: WatchEventType;
  /** The znode that changed, as below the chroot. */
  readonly path: string;
  /** zxid of the change; null when the server does not tell it (before 3.9, and after a reconnect). */
  readonly zxid: number | null;
}

export type Watcher = (event: WatchEvent) => void;

/** Which of the server's tables a watcher is in. The first three are told once. */
export type WatchKind = 'data' | 'exists' | 'children' | 'persistent' | 'recursive';

type Table = Map<string, Set<Watcher>>;

export interface WatchLists {
  readonly data: readonly string[];
  readonly exists: readonly string[];
  readonly children: readonly string[];
  readonly persistent: readonly string[];
  readonly recursive: readonly string[];
}

const typeNames: ReadonlyMap<number, WatchEventType> = new Map<number, WatchEventType>([
  [EventType.nodeCreated, 'created'],
  [EventType.nodeDeleted, 'deleted'],
  [EventType.nodeDataChanged, 'dataChanged'],
  [EventType.nodeChildrenChanged, 'childrenChanged'],
]);

export function watchEventTypeOf(type: number): WatchEventType | undefined {
  return typeNames.get(type);
}

/** Who waits for what, by the paths that the server knows (client-protocol reference, 6). */
export class WatchTable {
  readonly #tables: Readonly<Record<WatchKind, Table>> = {
    data: new Map(),
    exists: new Map(),
    children: new Map(),
    persistent: new Map(),
    recursive: new Map(),
  };

  /** Requests under way that may put a watcher on the path. */
  readonly #claims: Map<string, number> = new Map();

  /** A request is made that is to watch the path. */
  claim(path: string): void {
    this.#claims.set(path, (this.#claims.get(path) ?? 0) + 1);
  }

  /** That request is over. */
  unclaim(path: string): void {
    const left = (this.#claims.get(path) ?? 0) - 1;
    if (left > 0) this.#claims.set(path, left);
    else this.#claims.delete(path);
  }

  /** Whether a watch of this path at the server serves nobody here, now or in a moment; of this kind, or of any. */
  isIdle(path: string, kind: WatchKind | 'any'): boolean {
    if (this.#claims.has(path)) return false;
    if (kind !== 'any') return !this.has(kind, path);
    return Object.values(this.#tables).every((table) => !table.has(path));
  }

  add(kind: WatchKind, path: string, watcher: Watcher): void {
    const table = this.#tables[kind];
    const there = table.get(path);
    if (there === undefined) table.set(path, new Set([watcher]));
    else there.add(watcher);
  }

  /** Whether it was there. */
  remove(kind: WatchKind, path: string, watcher: Watcher): boolean {
    const there = this.#tables[kind].get(path);
    if (there === undefined || !there.delete(watcher)) return false;
    if (there.size === 0) this.#tables[kind].delete(path);
    return true;
  }

  /** Removes a watcher that is told once, wherever it waits. */
  removeOnce(path: string, watcher: Watcher): void {
    for (const kind of ['data', 'exists', 'children'] as const) this.remove(kind, path, watcher);
  }

  has(kind: WatchKind, path: string): boolean {
    return this.#tables[kind].has(path);
  }

  /** Removes everybody who watches exactly this path, or one kind of them; whether there were any. */
  removeAll(path: string, kind: 'children' | 'data' | 'any'): boolean {
    const { data, exists, children } = this.#tables;
    const tables = kind === 'any' ? Object.values(this.#tables) : kind === 'data' ? [data, exists] : [children];
    let were = false;
    for (const table of tables) were = table.delete(path) || were;
    return were;
  }

  /** Takes the watchers that an event concerns; those that are told once are removed. */
  take(type: WatchEventType, path: string): Watcher[] {
    const concerned = new Set<Watcher>();
    if (type === 'childrenChanged') this.#takeOnce('children', path, concerned);
    else {
      this.#takeOnce('data', path, concerned);
      this.#takeOnce('exists', path, concerned);
      if (type === 'deleted') this.#takeOnce('children', path, concerned);
    }
    for (const watcher of this.#tables.persistent.get(path) ?? []) concerned.add(watcher);
    if (type !== 'childrenChanged' && this.#tables.recursive.size > 0) this.#addAbove(path, concerned);
    return [...concerned];
  }

  /** Takes everybody, for the end. */
  takeAll(): [path: string, watcher: Watcher][] {
    const all: [string, Watcher][] = [];
    for (const table of Object.values(this.#tables)) {
      for (const [path, watchers] of table) for (const watcher of watchers) all.push([path, watcher]);
      table.clear();
    }
    return all;
  }

  /** The watchers that live on, each with the path it was set on. */
  persistent(): [path: string, watcher: Watcher][] {
    const all: [string, Watcher][] = [];
    for (const kind of ['persistent', 'recursive'] as const) {
      for (const [path, watchers] of this.#tables[kind]) for (const watcher of watchers) all.push([path, watcher]);
    }
    return all;
  }

  /** What to tell a new connection, in pieces of about `pieceBytes` of paths. None when nothing is watched. */
  *pieces(pieceBytes: number): Generator<WatchLists, void, undefined> {
    let piece = emptyLists();
    let size = 0;
    for (const kind of Object.keys(this.#tables) as WatchKind[]) {
      for (const path of this.#tables[kind].keys()) {
        if (size > 0 && size + path.length > pieceBytes) {
          yield piece;
          piece = emptyLists();
          size = 0;
        }
        piece[kind].push(path);
        size += path.length + 4;
      }
    }
    if (size > 0) yield piece;
  }

  #takeOnce(kind: WatchKind, path: string, into: Set<Watcher>): void {
    const watchers = this.#tables[kind].get(path);
    if (watchers === undefined) return;
    for (const watcher of watchers) into.add(watcher);
    this.#tables[kind].delete(path);
  }

  #addAbove(path: string, into: Set<Watcher>): void {
    const { recursive } = this.#tables;
    for (let at = path; ; ) {
      for (const watcher of recursive.get(at) ?? []) into.add(watcher);
      if (at === '/') return;
      const slash = at.lastIndexOf('/');
      at = slash === 0 ? '/' : at.slice(0, slash);
    }
  }
}

function emptyLists(): Record<WatchKind, string[]> {
  return { data: [], exists: [], children: [], persistent: [], recursive: [] };
}
