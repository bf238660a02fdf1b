import { type Acl, decodeUtf8, encodeUtf8, Reader, statRecord, WORLD_ANYONE_ALL, Writer } from '@headkeeper/protocol';
import { type Database, Field, writeStat } from '@headkeeper/server/internal';
import type { Znode, ZnodeTree } from './znode.ts';

const NONE = -1;

/** The znodes of a recovered state. What it returns stays as it was when the state changes. */
export class DatabaseTree implements ZnodeTree {
  readonly #database: Database;
  readonly #stat: Writer = new Writer(128);

  constructor(database: Database) {
    this.#database = database;
  }

  get(path: string): Znode | null {
    const { tree } = this.#database;
    const slot = this.#find(path);
    if (slot === NONE) return null;
    const { store, kinds } = tree;
    const high = store.get(slot, Field.owner);
    const low = store.get(slot, Field.owner + 1);
    const kind = kinds.of(high, low);
    const length = store.get(slot, Field.dataLength);
    const start = store.dataOffset(slot);
    this.#stat.length = 0;
    writeStat(this.#stat, store, slot, kinds);
    return {
      path,
      data: length < 0 ? null : store.dataBytes(slot).slice(start, start + length),
      acl: this.#acl(store.get(slot, Field.aclId)),
      stat: statRecord.decode(new Reader(this.#stat.written())),
      kind,
      ttlMs: kind === 'ttl' ? kinds.ttlMs(high, low) : null,
    };
  }

  children(path: string): readonly string[] {
    const { store } = this.#database.tree;
    const slot = this.#find(path);
    const names: string[] = [];
    if (slot === NONE) return names;
    for (let child = store.get(slot, Field.firstChild); child !== NONE; child = store.get(child, Field.nextSibling)) {
      const start = store.nameOffset(child);
      names.push(decodeUtf8(store.dataBytes(child), start, start + store.get(child, Field.nameLength)));
    }
    return names.sort();
  }

  /** Paths of the ephemerals of a session. */
  ephemeralsOf(idHigh: number, idLow: number): readonly string[] {
    const { sessions, applier } = this.#database;
    const slots = sessions.find(idHigh, idLow)?.ephemerals ?? [];
    return [...slots].map((slot) => {
      const path = applier.pathOf(slot);
      return decodeUtf8(path, 0, path.length);
    });
  }

  #find(path: string): number {
    if (path === '/') return 0;
    const bytes = encodeUtf8(path);
    return this.#database.tree.find(bytes, 0, bytes.length);
  }

  #acl(id: number): readonly Acl[] {
    return id === NONE ? WORLD_ANYONE_ALL : this.#database.tree.acls.list(id);
  }
}
