import { EventType } from '@headkeeper/protocol';
import { law, zxidText } from '../check/violation.ts';
import type { ModelTree } from '../model/model-tree.ts';

type WatchKind = 'data' | 'children';

/** What a client must send to a new server to keep its watches. */
export interface KeptWatches {
  readonly data: string[];
  readonly exists: string[];
  readonly children: string[];
}

/**
 * The one-shot watches of one session, as its client has them, and the law about them: each fires once, for the first change
 * after it was set, and before any answer that shows the change.
 */
export class WatchTable {
  readonly #who: string;
  readonly #tree: ModelTree;
  /** By path: the zxid of the state in which the watch was set; whether the znode was there then. */
  readonly #data: Map<string, { since: number; wasThere: boolean }> = new Map();
  readonly #children: Map<string, { since: number; wasThere: boolean }> = new Map();
  /** Whether the server knows of the watches: not from a reconnect until it has answered setWatches. */
  isRegistered = true;
  fired = 0;

  constructor(who: string, tree: ModelTree) {
    this.#who = who;
    this.#tree = tree;
  }

  get size(): number {
    return this.#data.size + this.#children.size;
  }

  clear(): void {
    this.#data.clear();
    this.#children.clear();
    this.isRegistered = true;
  }

  /** A read of the state at `zxid` has set a watch. */
  set(kind: WatchKind, path: string, zxid: number, wasThere: boolean): void {
    (kind === 'data' ? this.#data : this.#children).set(path, { since: zxid, wasThere });
  }

  keep(): KeptWatches {
    const data: string[] = [];
    const exists: string[] = [];
    for (const [path, { wasThere }] of this.#data) (wasThere ? data : exists).push(path);
    return { data, exists, children: [...this.#children.keys()] };
  }

  event(type: number, path: string): void {
    this.fired++;
    let found = false;
    if (type !== EventType.nodeChildrenChanged) found = this.#data.delete(path);
    // While watches are taken over, each list has an event of its own for a znode that is gone; later there is one for both.
    const endsChildren = type === EventType.nodeDeleted && (this.isRegistered || !found);
    if (type === EventType.nodeChildrenChanged || endsChildren) found = this.#children.delete(path) || found;
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
