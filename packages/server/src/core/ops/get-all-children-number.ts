import { Permission } from '@headkeeper/protocol';
import { NONE } from '../tree/node-store.ts';
import type { ReadOperation } from './operation.ts';
import { findOrRefuse, type PathRange, readPath } from './read-path.ts';

const path: PathRange = { start: 0, end: 0 };

/** getAllChildrenNumber: the number of all descendants. */
export const getAllChildrenNumber: ReadOperation = {
  kind: 'read',
  run(serving, connection, identities, r, xid) {
    readPath(r, path);
    const slot = findOrRefuse(serving, connection, identities, xid, r, path, Permission.read);
    if (slot === NONE) return;
    const at = serving.beginReply(connection, xid);
    connection.out.int(serving.tree.countDescendants(slot));
    serving.endReply(connection, at);
  },
};
