import { Permission, type Writer } from '@headkeeper/protocol';
import { Field, NONE, type NodeStore } from '../tree/node-store.ts';
import { WatchKind } from '../watch/watches.ts';
import type { ReadOperation } from './operation.ts';
import { findOrRefuse, type PathRange, readPath } from './read-path.ts';

const path: PathRange = { start: 0, end: 0 };

/** Appends a znode's data as a jute buffer; null stays null. */
export function writeData(out: Writer, store: NodeStore, slot: number): void {
  const length = store.get(slot, Field.dataLength);
  out.int(length);
  if (length <= 0) return;
  const at = store.dataOffset(slot);
  out.raw(store.dataBytes(slot), at, at + length);
}

/** Bytes of a znode's data; 0 for none. */
function dataBytes(store: NodeStore, slot: number): number {
  return Math.max(0, store.get(slot, Field.dataLength));
}

export const getData: ReadOperation = {
  kind: 'read',
  run(serving, connection, identities, r, xid) {
    readPath(r, path);
    const watch = r.boolean();
    const slot = findOrRefuse(serving, connection, identities, xid, r, path, Permission.read);
    if (slot === NONE) return;
    if (watch && serving.refusesWatches(connection, xid)) return;
    if (watch) serving.watches.add(connection.id, r.bytes, path.start, path.end, WatchKind.dataOneShot);
    serving.read(slot, r.bytes, path.start, path.end, dataBytes(serving.tree.store, slot));
    const at = serving.beginReply(connection, xid);
    writeData(connection.out, serving.tree.store, slot);
    serving.writeStat(connection.out, slot);
    serving.endReply(connection, at);
  },
};
