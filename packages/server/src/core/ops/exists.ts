import { ErrorCode, Permission } from '@headkeeper/protocol';
import { NONE } from '../tree/node-store.ts';
import { WatchKind } from '../watch/watches.ts';
import type { ReadOperation } from './operation.ts';
import { containsNul, type PathRange, readPath } from './read-path.ts';

const path: PathRange = { start: 0, end: 0 };

/** exists: the watch is registered also when the znode is missing, but not when it may not be read (3.9.2). */
export const exists: ReadOperation = {
  kind: 'read',
  run(serving, connection, identities, r, xid) {
    readPath(r, path);
    const watch = r.boolean();
    if (containsNul(r.bytes, path.start, path.end)) {
      serving.replyError(connection, xid, ErrorCode.badArguments);
      return;
    }
    const slot = serving.tree.find(r.bytes, path.start, path.end);
    if (slot !== NONE && !serving.allowedOn(slot, Permission.read, identities)) {
      serving.replyError(connection, xid, ErrorCode.noAuth);
      return;
    }
    if (watch && serving.refusesWatches(connection, xid)) return;
    if (watch) serving.watches.add(connection.id, r.bytes, path.start, path.end, WatchKind.dataOneShot);
    if (slot === NONE) {
      serving.replyError(connection, xid, ErrorCode.noNode);
      return;
    }
    serving.read(slot, r.bytes, path.start, path.end, 0);
    const at = serving.beginReply(connection, xid);
    serving.writeStat(connection.out, slot);
    serving.endReply(connection, at);
  },
};
