import { decodeUtf8, isValidUtf8 } from '@headkeeper/protocol';
import type { ReadOperation } from './operation.ts';

/** sync on a standalone server: the reply is as new as the tree; the path is echoed, whatever it is. */
export const sync: ReadOperation = {
  kind: 'read',
  run(serving, connection, _identities, r, xid) {
    const path = r.buffer();
    const at = serving.beginReply(connection, xid);
    if (path === null || isValidUtf8(path)) connection.out.buffer(path);
    else connection.out.string(decodeUtf8(path));
    serving.endReply(connection, at);
  },
};
