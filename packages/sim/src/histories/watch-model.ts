import { parentOf } from '../model/model-tree.ts';
import type { EventName, WatchModeName, WatchTypeName } from './lines.ts';

/** The watches of one session as its server has them. */
export class WatchModel {
  readonly data: Set<string> = new Set();
  readonly children: Set<string> = new Set();
  readonly #persistent: Set<string> = new Set();
  readonly #recursive: Set<string> = new Set();

  get size(): number {
    return this.data.size + this.children.size + this.#persistent.size + this.#recursive.size;
  }

  clear(): void {
    for (const watches of this.#all()) watches.clear();
  }

  add(mode: WatchModeName, path: string): void {
    (mode === 'persistent' ? this.#persistent : this.#recursive).add(path);
  }

  /** Whether there was anything to remove. */
  remove(type: WatchTypeName, path: string): boolean {
    const removed = this.#of(type).map((watches) => watches.delete(path));
    return removed.includes(true);
  }

  /** A change of a path: whether the session hears of it, once, whatever watches are for it. Those that fire once are used up. */
  fires(type: EventName, path: string): boolean {
    let fires = this.#persistent.has(path);
    if (type !== 'NodeChildrenChanged') {
      if (this.data.delete(path)) fires = true;
      if (type === 'NodeDeleted' && this.children.delete(path)) fires = true;
      return fires || this.#hasRecursiveAbove(path);
    }
    return this.children.delete(path) || fires;
  }

  copy(): WatchModel {
    const copy = new WatchModel();
    const [data, children, persistent, recursive] = this.#all() as [Set<string>, Set<string>, Set<string>, Set<string>];
    for (const path of data) copy.data.add(path);
    for (const path of children) copy.children.add(path);
    for (const path of persistent) copy.add('persistent', path);
    for (const path of recursive) copy.add('persistentRecursive', path);
    return copy;
  }

  /** Takes back what changes have used up that were not heard of. */
  keepUnfired(before: WatchModel, changes: readonly { readonly type: EventName; readonly path: string }[]): void {
    for (const { type, path } of changes) {
      if (type !== 'NodeChildrenChanged' && before.data.has(path)) this.data.add(path);
      if ((type === 'NodeChildrenChanged' || type === 'NodeDeleted') && before.children.has(path))
        this.children.add(path);
    }
  }

  #hasRecursiveAbove(path: string): boolean {
    for (let at = path; ; at = parentOf(at)) {
      if (this.#recursive.has(at)) return true;
      if (at === '/') return false;
    }
  }

  #all(): Set<string>[] {
    return [this.data, this.children, this.#persistent, this.#recursive];
  }

  #of(type: WatchTypeName): Set<string>[] {
    if (type === 'any') return this.#all();
    if (type === 'data') return [this.data];
    if (type === 'children') return [this.children];
    return [type === 'persistent' ? this.#persistent : this.#recursive];
  }
}
