import { parentPath, type Znode, type ZnodeTree } from './znode.ts';

/** Znodes in memory, such as those read from a server or a file. */
export class MapTree implements ZnodeTree {
  readonly #znodes: Map<string, Znode> = new Map();
  readonly #children: Map<string, Set<string>> = new Map();

  get size(): number {
    return this.#znodes.size;
  }

  paths(): Iterable<string> {
    return this.#znodes.keys();
  }

  add(znode: Znode): void {
    this.#znodes.set(znode.path, znode);
    if (znode.path === '/') return;
    const parent = parentPath(znode.path);
    const name = znode.path.slice(znode.path.lastIndexOf('/') + 1);
    const siblings = this.#children.get(parent);
    if (siblings === undefined) this.#children.set(parent, new Set([name]));
    else siblings.add(name);
  }

  get(path: string): Znode | null {
    return this.#znodes.get(path) ?? null;
  }

  children(path: string): readonly string[] {
    const names = this.#children.get(path);
    return names === undefined ? [] : [...names].sort();
  }
}
