import { EventType } from '@headkeeper/protocol';
import type { RandomStream } from '@headkeeper/testkit';
import { law, zxidText } from '../check/violation.ts';
import type { ModelTree } from '../model/model-tree.ts';

type WatchKind = 'data' | 'children';
type PersistentKind = 'persistent' | 'persistentRecursive';
/** Which watches of a path are meant. */
export type WatchSelection = WatchKind | PersistentKind | 'any';

/** What a client must send to a new server to keep its watches. */
export interface KeptWatches {
  readonly data: string[];
  readonly exists: string[];
  readonly children: string[];
  readonly persistent: string[];
  readonly persistentRecursive: string[];
}

/**
 * The watches of one session, as its client has them, and the law about those that are one-shot: each fires once, for the
 * first change after it was set, and before any answer that shows the change. That persistent ones fire for each change is
 * judged by the history (`histories/watch-judge.ts`).
 */
export class WatchTable {
  readonly #who: string;
  readonly #tree: ModelTree;
  /** By path: the zxid of the state in which the watch was set; whether the znode was there then. */
  readonly #data: Map<string, { since: number; wasThere: boolean }> = new Map();
  readonly #children: Map<string, { since: number; wasThere: boolean }> = new Map();
  readonly #persistent: Set<string> = new Set();
  readonly #recursive: Set<string> = new Set();
  /** Whether the server knows of the watches: not from a reconnect until it has answered setWatches. */
  isRegistered = true;
  fired = 0;

  constructor(who: string, tree: ModelTree) {
    this.#who = who;
    this.#tree = tree;
  }

  get size(): number {
    return this.#data.size + this.#children.size + this.#persistent.size + this.#recursive.size;
  }

  clear(): void {
    this.#persistent.clear();
    this.#recursive.clear();
    this.#data.clear();
    this.#children.clear();
    this.isRegistered = true;
  }

  /** A read of the state at `zxid` has set a watch. */
  set(kind: WatchKind, path: string, zxid: number, wasThere: boolean): void {
    (kind === 'data' ? this.#data : this.#children).set(path, { since: zxid, wasThere });
  }

  add(kind: PersistentKind, path: string): void {
    (kind === 'persistent' ? this.#persistent : this.#recursive).add(path);
  }

  /** Whether there was anything to remove. */
  remove(selection: WatchSelection, path: string): boolean {
    const each = this.#selected(selection).map((watches) => watches.delete(path));
    return each.includes(true);
  }

  /** The path of one of these watches; null where there are none. */
  anyPath(selection: WatchSelection, random: RandomStream): string | null {
    const paths = this.#selected(selection).flatMap((watches) => [...watches.keys()]);
    return paths.length === 0 ? null : random.pick(paths);
  }

  #selected(selection: WatchSelection): (Map<string, unknown> | Set<string>)[] {
    switch (selection) {
      case 'data':
        return [this.#data];
      case 'children':
        return [this.#children];
      case 'persistent':
        return [this.#persistent];
      case 'persistentRecursive':
        return [this.#recursive];
      default:
        return [this.#data, this.#children, this.#persistent, this.#recursive];
    }
  }

  #isCovered(type: number, path: string): boolean {
    if (this.#persistent.has(path)) return true;
    if (type === EventType.nodeChildrenChanged || this.#recursive.size === 0) return false;
    for (let at = path; ; at = at.slice(0, at.lastIndexOf('/')) || '/') {
      if (this.#recursive.has(at)) return true;
      if (at === '/') return false;
    }
  }

  keep(): KeptWatches {
    const data: string[] = [];
    const exists: string[] = [];
    for (const [path, { wasThere }] of this.#data) (wasThere ? data : exists).push(path);
    return {
      ...{ data, exists, children: [...this.#children.keys()] },
      ...{ persistent: [...this.#persistent], persistentRecursive: [...this.#recursive] },
    };
  }

  event(type: number, path: string): void {
    this.fired++;
    let found = false;
    if (type !== EventType.nodeChildrenChanged) found = this.#data.delete(path);
    // While watches are taken over, each list has an event of its own for a znode that is gone; later there is one for both.
    const endsChildren = type === EventType.nodeDeleted && (this.isRegistered || !found);
    if (type === EventType.nodeChildrenChanged || endsChildren) found = this.#children.delete(path) || found;
    found = found || this.#isCovered(type, path);
    law(found, 'watches', () => `${this.#who} hears of event ${type} on ${path}, which it does not watch`);
  }

  /** An answer shows the state at `zxid`: whatever had to fire until then must have. */
  shown(zxid: number): void {
    if (!this.isRegistered) return;
    this.#allQuiet('data', this.#data, zxid);
    this.#allQuiet('children', this.#children, zxid);
  }

  /** The new server has taken over the watches in the state at `zxid`; those it fired are gone from here already. */
  takenOver(zxid: number): void {
    this.isRegistered = true;
    for (const [path, watch] of this.#data) {
      const znode = this.#tree.at(path, zxid);
      const missed = watch.wasThere ? znode === null || znode.mzxid > watch.since : znode !== null;
      law(!missed, 'watches', () => `${this.#who} was not told that ${path} changed while it moved to another server`);
      watch.since = zxid;
    }
    for (const [path, watch] of this.#children) {
      const znode = this.#tree.at(path, zxid);
      const missed = znode === null || znode.pzxid > watch.since;
      law(
        !missed,
        'watches',
        () => `${this.#who} was not told of children of ${path} while it moved to another server`,
      );
      watch.since = zxid;
    }
  }

  #allQuiet(kind: WatchKind, watches: ReadonlyMap<string, { since: number }>, zxid: number): void {
    for (const [path, { since }] of watches) {
      const missed = this.#tree.seenBetween(kind, path, since, zxid);
      law(missed === null, 'watches', () => {
        return `${this.#who} sees ${zxidText(zxid)} before the event of ${path} at ${zxidText(missed ?? 0)}`;
      });
    }
  }
}
