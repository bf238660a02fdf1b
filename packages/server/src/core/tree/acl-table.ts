import { type Acl, Permission, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { InvariantViolation, invariant } from '../invariants.ts';
import { aclKey } from './acl-match.ts';

/** The id of world:anyone with all permissions, which is never counted and never goes away. */
export const OPEN_ACL_ID = -1;

interface Entry {
  readonly list: readonly Acl[];
  readonly key: string;
  references: number;
}

/**
 * Every distinct access control list of the tree, once, under a small number: -1 for world:anyone:31, otherwise from 1 on.
 * Each znode holds a reference; the list goes away, and its number is free again, with the last one.
 */
export class AclTable {
  readonly #entries: (Entry | null)[] = [null];
  readonly #ids: Map<string, number> = new Map();
  readonly #free: number[] = [];
  /** Numbers whose last reference went while the table was held. */
  readonly #unused: number[] = [];
  #holds = 0;

  /** Lists that have a number, world:anyone:31 not counted. */
  get size(): number {
    return this.#ids.size;
  }

  /** The number of a list, with one reference more. The list must not change afterwards. */
  intern(list: readonly Acl[]): number {
    if (isOpen(list)) return OPEN_ACL_ID;
    const key = keyOf(list);
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#holds === 0 ? (this.#free.pop() ?? this.#entries.length) : this.#entries.length;
      this.#entries[id] = { list, key, references: 0 };
      this.#ids.set(key, id);
    }
    this.#entry(id).references++;
    return id;
  }

  /** One reference more to a list that has one. */
  retain(id: number): void {
    if (id !== OPEN_ACL_ID) this.#entry(id).references++;
  }

  release(id: number): void {
    if (id === OPEN_ACL_ID) return;
    const entry = this.#entry(id);
    entry.references--;
    invariant(entry.references >= 0, 'a list is released no more often than retained');
    if (entry.references > 0) return;
    if (this.#holds > 0) this.#unused.push(id);
    else this.#forget(id, entry);
  }

  list(id: number): readonly Acl[] {
    return id === OPEN_ACL_ID ? WORLD_ANYONE_ALL : this.#entry(id).list;
  }

  /**
   * Until `unhold` no list goes away and no number gets another meaning, so that a snapshot may be written piece by piece.
   * Holds nest.
   */
  hold(): void {
    this.#holds++;
  }

  unhold(): void {
    this.#holds--;
    invariant(this.#holds >= 0, 'the table of access control lists is not held');
    if (this.#holds > 0) return;
    for (const id of this.#unused) {
      const entry = this.#entries[id];
      if (entry !== null && entry.references === 0) this.#forget(id, entry);
    }
    this.#unused.length = 0;
  }

  /** Numbers are below this. */
  get end(): number {
    return this.#entries.length;
  }

  /** The list with this number, or null when there is none; for going through the table from 1 to `end`. */
  at(id: number): readonly Acl[] | null {
    return this.#entries[id]?.list ?? null;
  }

  #entry(id: number): Entry {
    const entry = this.#entries[id];
    if (entry === null || entry === undefined)
      throw new InvariantViolation(`no access control list has the number ${id}`);
    return entry;
  }

  #forget(id: number, entry: Entry): void {
    this.#ids.delete(entry.key);
    this.#entries[id] = null;
    this.#free.push(id);
  }
}

function isOpen(list: readonly Acl[]): boolean {
  return list.length === 1 && list[0].perms === Permission.all && list[0].scheme === 'world' && list[0].id === 'anyone';
}

/** A text that two lists share only when they are equal. */
function keyOf(list: readonly Acl[]): string {
  let key = '';
  for (const entry of list) key += aclKey(entry);
  return key;
}
