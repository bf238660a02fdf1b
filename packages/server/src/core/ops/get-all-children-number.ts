import { ErrorCode, Permission } from '@headkeeper/protocol';
import { NONE } from '../tree/node-store.ts';
import type { ReadOperation } from './operation.ts';
import { type PathRange, readPath } from './read-path.ts';

const path: PathRange = { start: 0, end: 0 };

/** getAllChildrenNumber: the number of all descendants. */
export const getAllChildrenNumber: ReadOperation = {
  kind: 'read',
  run(serving, connection, identities, r, xid) {
    readPath(r, path);
    const slot = serving.tree.find(r.bytes, path.start, path.end);
    if (slot === NONE) {
      serving.replyError(connection, xid, ErrorCode.noNode);
      return;
    }
    if (!serving.allowedOn(slot, Permission.read, identities)) {
      serving.replyError(connection, xid, ErrorCode.noAuth);
      return;
    }
    const at = serving.beginReply(connection, xid);
    connection.out.int(serving.tree.countDescendants(slot));
    serving.endReply(connection, at);
  },
};
