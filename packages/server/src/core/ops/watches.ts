import { AddWatchMode, ErrorCode, JuteError, WatcherType } from '@headkeeper/protocol';
import { WatchKind } from '../watch/watches.ts';
import type { ReadOperation } from './operation.ts';

export const addWatch: ReadOperation = {
  kind: 'read',
  run(serving, connection, _identities, r, xid) {
    const length = r.length();
    const start = r.pos;
    r.skip(Math.max(0, length));
    const mode = r.int();
    if (mode !== AddWatchMode.persistent && mode !== AddWatchMode.persistentRecursive) {
      throw new JuteError('malformed', `addWatch mode ${mode}`);
    }
    if (length < 0) {
      serving.replyError(connection, xid, ErrorCode.badArguments);
      return;
    }
    const kind = mode === AddWatchMode.persistent ? WatchKind.persistent : WatchKind.recursive;
    if (serving.refusesWatches(connection, xid)) return;
    serving.watches.add(connection.id, r.bytes, start, start + length, kind);
    const at = serving.beginReply(connection, xid);
    connection.out.int(0);
    serving.endReply(connection, at);
  },
};

function watcherOperation(remove: boolean): ReadOperation {
  return {
    kind: 'read',
    run(serving, connection, _identities, r, xid) {
      const length = r.length();
      const start = r.pos;
      r.skip(Math.max(0, length));
      const type = r.int();
      if (type < WatcherType.children || type > WatcherType.persistentRecursive) {
        throw new JuteError('malformed', `watcher type ${type}`);
      }
      const { watches } = serving;
      const end = start + length;
      const found =
        length >= 0 &&
        (remove
          ? watches.remove(connection.id, r.bytes, start, end, type)
          : watches.has(connection.id, r.bytes, start, end, type));
      serving.replyError(connection, xid, found ? ErrorCode.ok : ErrorCode.noWatcher);
    },
  };
}

/** Both look at the asking connection's own watches only (the rule of 3.9). */
export const checkWatches: ReadOperation = watcherOperation(false);
export const removeWatches: ReadOperation = watcherOperation(true);
