import { ErrorCode, type Stat } from '@headkeeper/protocol';
import { Versions } from './versions.ts';

/** A znode after one txn. */
export interface ModelZnode {
  readonly data: string | null;
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly aversion: number;
  readonly acl: string;
  /** Children ever created. */
  readonly creations: number;
  readonly children: number;
  /** The owner word: a session, or the mark of a container or a TTL. */
  readonly owner: bigint;
}

export const CONTAINER_OWNER: bigint = -(2n ** 63n);
const TTL_MARK = 0xff00000000000000n;
const OPEN_ACL = 'world:anyone:31';

/** What watchers of one path can see, by the zxid at which they saw it. */
interface Sights {
  /** Created, deleted, or given new data: what watches of data and of existence fire for. */
  readonly data: Versions<true>;
  /** Children made or removed, or the znode deleted. */
  readonly children: Versions<true>;
}

/** Everything that the tree has been, txn by txn: reads can be asked of any zxid. */
export class ModelTree {
  readonly #znodes: Map<string, Versions<ModelZnode | null>> = new Map();
  /** By parent: the names of its children. Copied at each change, for parents have few. */
  readonly #children: Map<string, Versions<ReadonlySet<string>>> = new Map();
  readonly #sights: Map<string, Sights> = new Map();
  /** Live paths, in any order. */
  readonly #live: string[] = [];
  readonly #liveAt: Map<string, number> = new Map();
  /** What the txn being applied has touched, so that it can be taken back. */
  #touched: Versions<unknown>[] = [];
  #liveUndo: (() => void)[] = [];

  constructor() {
    const root = { czxid: 0, mzxid: 0, pzxid: 0, ctime: 0, mtime: 0, version: 0, aversion: 0 };
    this.#put('/', 0, { ...root, data: '', acl: OPEN_ACL, creations: 0, children: 1, owner: 0n });
    this.#childrenOf('/').set(0, new Set(['zookeeper']));
    this.begin();
  }

  /** Live paths, the root aside. */
  get live(): readonly string[] {
    return this.#live;
  }

  latest(path: string): ModelZnode | null {
    return this.#znodes.get(path)?.latest ?? null;
  }

  at(path: string, zxid: number): ModelZnode | null {
    return this.#znodes.get(path)?.at(zxid) ?? null;
  }

  childrenAt(path: string, zxid: number): ReadonlySet<string> {
    return this.#children.get(path)?.at(zxid) ?? new Set();
  }

  /** The first change that a watch would have seen after `after` and not after `upTo`; null when there is none. */
  seenBetween(kind: 'data' | 'children', path: string, after: number, upTo: number): number | null {
    return this.#sights.get(path)?.[kind].firstBetween(after, upTo) ?? null;
  }

  /** From here on `rollBack` takes everything back. */
  begin(): void {
    this.#touched = [];
    this.#liveUndo = [];
  }

  rollBack(zxid: number): void {
    for (const versions of this.#touched) versions.undo(zxid);
    for (const undo of this.#liveUndo.reverse()) undo();
    this.begin();
  }

  create(path: string, zxid: number, time: number, made: { data: string | null; acl: string; owner: bigint }): number {
    const parentPath = parentOf(path);
    const parent = this.latest(parentPath);
    if (parent === null) return ErrorCode.noNode;
    if (this.latest(path) !== null) return ErrorCode.nodeExists;
    if (parent.owner > 0n) return ErrorCode.noChildrenForEphemerals;
    const { creations, children } = parent;
    this.#put(parentPath, zxid, { ...parent, creations: creations + 1, children: children + 1, pzxid: zxid });
    this.#put(path, zxid, {
      ...made,
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: time,
      mtime: time,
      version: 0,
      aversion: 0,
      creations: 0,
      children: 0,
    });
    const names = this.#childrenOf(parentPath);
    this.#set(names, zxid, new Set([...(names.latest ?? []), nameOf(path)]));
    this.#set(this.#childrenOf(path), zxid, new Set());
    this.#see('data', path, zxid);
    this.#see('children', parentPath, zxid);
    this.#revive(path);
    return ErrorCode.ok;
  }

  delete(path: string, version: number, zxid: number): number {
    const znode = this.latest(path);
    if (znode === null) return ErrorCode.noNode;
    if (version !== -1 && version !== znode.version) return ErrorCode.badVersion;
    if (znode.children > 0) return ErrorCode.notEmpty;
    this.remove(path, zxid);
    return ErrorCode.ok;
  }

  /** Removes a znode that is there and has no children. */
  remove(path: string, zxid: number): void {
    const parentPath = parentOf(path);
    const parent = this.latest(parentPath) as ModelZnode;
    this.#put(path, zxid, null);
    this.#put(parentPath, zxid, { ...parent, children: parent.children - 1, pzxid: zxid });
    const names = new Set(this.#childrenOf(parentPath).latest);
    names.delete(nameOf(path));
    this.#set(this.#childrenOf(parentPath), zxid, names);
    this.#see('data', path, zxid);
    this.#see('children', path, zxid);
    this.#see('children', parentPath, zxid);
    this.#bury(path);
  }

  setData(path: string, data: string | null, version: number, zxid: number, time: number): number {
    const znode = this.latest(path);
    if (znode === null) return ErrorCode.noNode;
    if (version !== -1 && version !== znode.version) return ErrorCode.badVersion;
    this.#put(path, zxid, { ...znode, data, version: znode.version + 1, mzxid: zxid, mtime: time });
    this.#see('data', path, zxid);
    return ErrorCode.ok;
  }

  setAcl(path: string, acl: string, version: number, zxid: number): number {
    const znode = this.latest(path);
    if (znode === null) return ErrorCode.noNode;
    if (version !== -1 && version !== znode.aversion) return ErrorCode.badVersion;
    this.#put(path, zxid, { ...znode, acl, aversion: znode.aversion + 1 });
    return ErrorCode.ok;
  }

  check(path: string, version: number): number {
    const znode = this.latest(path);
    if (znode === null) return ErrorCode.noNode;
    return version !== -1 && version !== znode.version ? ErrorCode.badVersion : ErrorCode.ok;
  }

  #put(path: string, zxid: number, znode: ModelZnode | null): void {
    let versions = this.#znodes.get(path);
    if (versions === undefined) {
      versions = new Versions();
      this.#znodes.set(path, versions);
    }
    this.#set(versions, zxid, znode);
  }

  #set<T>(versions: Versions<T>, zxid: number, value: T): void {
    versions.set(zxid, value);
    this.#touched.push(versions as Versions<unknown>);
  }

  #childrenOf(path: string): Versions<ReadonlySet<string>> {
    let names = this.#children.get(path);
    if (names === undefined) {
      names = new Versions();
      this.#children.set(path, names);
    }
    return names;
  }

  #see(kind: 'data' | 'children', path: string, zxid: number): void {
    let sights = this.#sights.get(path);
    if (sights === undefined) {
      sights = { data: new Versions(), children: new Versions() };
      this.#sights.set(path, sights);
    }
    this.#set(sights[kind], zxid, true);
  }

  #revive(path: string): void {
    this.#liveAt.set(path, this.#live.length);
    this.#live.push(path);
    this.#liveUndo.push(() => this.#takeOut(path));
  }

  #bury(path: string): void {
    this.#takeOut(path);
    this.#liveUndo.push(() => {
      this.#liveAt.set(path, this.#live.length);
      this.#live.push(path);
    });
  }

  #takeOut(path: string): void {
    const at = this.#liveAt.get(path);
    if (at === undefined) return;
    const last = this.#live.pop() as string;
    this.#liveAt.delete(path);
    if (last === path) return;
    this.#live[at] = last;
    this.#liveAt.set(last, at);
  }
}

/** The owner word of a znode with a time to live. */
export function ttlOwner(ttlMs: number): bigint {
  return BigInt.asIntN(64, TTL_MARK | BigInt(ttlMs));
}

/** The Stat that clients see. */
export function statOf(znode: ModelZnode): Stat {
  const { czxid, mzxid, pzxid, ctime, mtime, version, aversion, owner, children } = znode;
  return {
    czxid,
    mzxid,
    ctime,
    mtime,
    version,
    cversion: 2 * znode.creations - children,
    aversion,
    ephemeralOwner: owner > 0n ? owner : 0n,
    dataLength: znode.data?.length ?? 0,
    numChildren: children,
    pzxid,
  };
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
