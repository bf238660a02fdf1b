import { decodeUtf8 } from '@headkeeper/protocol';
import type { ReadOperation } from './operation.ts';

/** getEphemerals: those of the asking session whose path begins with a plain string prefix. */
export const getEphemerals: ReadOperation = {
  kind: 'read',
  run(serving, connection, _identities, r, xid) {
    const prefix = r.string();
    const all = prefix === null || prefix.trim() === '' || prefix.trim() === '/';
    const store = serving.tree.store;
    const paths: Uint8Array[] = [];
    for (const slot of connection.session?.ephemerals ?? []) {
      const path = new Uint8Array(store.pathLength(slot));
      store.writePathBackwards(slot, path, path.length);
      if (all || decodeUtf8(path).startsWith(prefix)) paths.push(path);
    }
    const at = serving.beginReply(connection, xid);
    connection.out.int(paths.length);
    for (const path of paths) connection.out.buffer(path);
    serving.endReply(connection, at);
  },
};
