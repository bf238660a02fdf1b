import type { Bytes } from './frames.ts';
import type { Random } from './random.ts';

/** What the generator knows of one znode. A hint for choosing requests, never a prediction that is checked. */
export interface KnownNode {
  version: number;
  aversion: number;
  /** Ordinal of the owning session, or 0. */
  readonly owner: number;
}

export const LIMITS = 'zookeeper_limits';
export const STATS = 'zookeeper_stats';
export const QUOTA_ROOT = '/zookeeper/quota';

const WATCHED_REMEMBERED = 12;

/** The generator's small picture of the tree, kept up to date from the left server's replies. */
export class Model {
  #paths: Bytes[] = [];
  #places = new Map<Bytes, number>();
  #nodes = new Map<Bytes, KnownNode>();
  /** Paths that were lately watched, by any connection. */
  #watched: Bytes[] = [];
  #watchedNext = 0;
  /** Paths whose access control list is not, or was not, the open one. */
  readonly restricted: Set<Bytes> = new Set();
  /** Paths that have (or had) a limits node. */
  readonly quotas: Set<Bytes> = new Set();

  get size(): number {
    return this.#paths.length;
  }

  get(path: Bytes): KnownNode | undefined {
    return this.#nodes.get(path);
  }

  has(path: Bytes): boolean {
    return this.#nodes.has(path);
  }

  add(path: Bytes, owner: number, open: boolean): void {
    if (!open) this.restricted.add(path);
    else this.restricted.delete(path);
    if (this.#nodes.has(path)) return;
    this.#nodes.set(path, { version: 0, aversion: 0, owner });
    this.#places.set(path, this.#paths.length);
    this.#paths.push(path);
    if (path.startsWith(`${QUOTA_ROOT}/`) && path.endsWith(`/${LIMITS}`)) {
      this.quotas.add(path.slice(QUOTA_ROOT.length, -LIMITS.length - 1));
    }
  }

  remove(path: Bytes): void {
    const place = this.#places.get(path);
    if (place === undefined) return;
    const last = this.#paths.pop() as Bytes;
    if (last !== path) {
      this.#paths[place] = last;
      this.#places.set(last, place);
    }
    this.#places.delete(path);
    this.#nodes.delete(path);
    this.restricted.delete(path);
  }

  removeOwnedBy(owner: number): void {
    for (const [path, node] of [...this.#nodes]) if (node.owner === owner) this.remove(path);
  }

  clear(): void {
    this.#paths = [];
    this.#places.clear();
    this.#nodes.clear();
    this.quotas.clear();
    this.restricted.clear();
    this.#watched = [];
    this.#watchedNext = 0;
  }

  noteWatched(path: Bytes): void {
    this.#watched[this.#watchedNext++ % WATCHED_REMEMBERED] = path;
  }

  watched(random: Random): Bytes | null {
    return this.#watched.length === 0 ? null : random.pick(this.#watched);
  }

  /** A path whose list restricts somebody. */
  restrictedPath(random: Random): Bytes | null {
    return this.restricted.size === 0 ? null : random.pick([...this.restricted]);
  }

  any(random: Random): Bytes | null {
    return this.#paths.length === 0 ? null : random.pick(this.#paths);
  }

  /** A node without known children, or just any node after a few tries. */
  leaf(random: Random): Bytes | null {
    let path = this.any(random);
    for (let i = 0; i < 6 && path !== null; i++) {
      const prefix = `${path}/`;
      if (!this.#paths.some((other) => other.startsWith(prefix))) return path;
      path = this.any(random);
    }
    return path;
  }

  /** Is the path inside a subtree that has a quota, or inside the quota tree itself? */
  touchesQuota(path: Bytes): boolean {
    if (path.startsWith('/zookeeper')) return true;
    for (const quota of this.quotas) if (path === quota || path.startsWith(`${quota}/`)) return true;
    return false;
  }
}
