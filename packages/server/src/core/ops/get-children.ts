import { JuteError, Permission, type Writer } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import { Field, NONE, type NodeStore } from '../tree/node-store.ts';
import { WatchKind } from '../watch/watches.ts';
import type { ReadOperation } from './operation.ts';
import { findOrRefuse, type PathRange, readPath } from './read-path.ts';

const path: PathRange = { start: 0, end: 0 };

/** Appends the names of a znode's children as a vector, newest first. */
export function writeChildren(out: Writer, store: NodeStore, slot: number): void {
  out.int(store.get(slot, Field.childCount));
  for (let child = store.get(slot, Field.firstChild); child !== NONE; child = store.get(child, Field.nextSibling)) {
    const length = store.get(child, Field.nameLength);
    const at = store.nameOffset(child);
    out.int(length);
    out.raw(store.dataBytes(child), at, at + length);
  }
}

function childrenOperation(withStat: boolean): ReadOperation {
  return {
    kind: 'read',
    run(serving, connection, identities, r, xid) {
      readPath(r, path);
      const watch = r.boolean();
      const slot = findOrRefuse(serving, connection, identities, xid, r, path, Permission.read);
      if (slot === NONE) return;
      if (watch && serving.refusesWatches(connection, xid)) return;
      if (watch) serving.watches.add(connection.id, r.bytes, path.start, path.end, WatchKind.childOneShot);
      const at = serving.beginReply(connection, xid);
      const before = connection.out.length;
      writeChildren(connection.out, serving.tree.store, slot);
      // No client takes as much in one answer.
      if (connection.out.length - before > limits.outputMaximum) {
        connection.out.length = at;
        throw new JuteError('over-limit', 'the names of the children are too many for an answer');
      }
      // Without the lengths in front of them.
      const bytes = connection.out.length - before - 4 - 4 * serving.tree.store.get(slot, Field.childCount);
      serving.read(slot, r.bytes, path.start, path.end, bytes);
      if (withStat) serving.writeStat(connection.out, slot);
      serving.endReply(connection, at);
    },
  };
}

export const getChildren: ReadOperation = childrenOperation(false);
export const getChildren2: ReadOperation = childrenOperation(true);
