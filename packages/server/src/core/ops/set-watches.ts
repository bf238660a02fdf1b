import { EventType, type Identity, JuteError, Permission, type Reader } from '@headkeeper/protocol';
import type { Connection } from '../connection.ts';
import type { Serving } from '../serving.ts';
import { Field, NONE } from '../tree/node-store.ts';
import { WatchKind } from '../watch/watches.ts';
import type { ReadOperation } from './operation.ts';

/** Smallest entry of a list of paths. */
const MINIMUM_PATH_BYTES = 4;

type Resync = (
  serving: Serving,
  connection: Connection,
  identities: readonly Identity[],
  relativeZxid: number,
  bytes: Uint8Array,
  start: number,
  end: number,
) => void;

/**
 * Resyncs a watch on a znode that is there: an event if it has changed, else the watch itself. Of a znode that the client may
 * not read nothing is told, and the watch stays (known failure A05, CVE-2026-59739).
 */
function resync(
  serving: Serving,
  connection: Connection,
  identities: readonly Identity[],
  slot: number,
  changed: boolean,
  eventType: number,
  kind: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (changed && serving.allowedOn(slot, Permission.read, identities)) {
    serving.sendEvent(connection, eventType, bytes, start, end);
  } else serving.watches.add(connection.id, bytes, start, end, kind);
}

const dataWatch: Resync = (serving, connection, identities, relativeZxid, bytes, start, end) => {
  const slot = serving.tree.find(bytes, start, end);
  if (slot === NONE) {
    serving.sendEvent(connection, EventType.nodeDeleted, bytes, start, end);
    return;
  }
  const changed = serving.tree.longOf(slot, Field.mzxid) > relativeZxid;
  const kind = WatchKind.dataOneShot;
  resync(serving, connection, identities, slot, changed, EventType.nodeDataChanged, kind, bytes, start, end);
};

const existWatch: Resync = (serving, connection, identities, _relativeZxid, bytes, start, end) => {
  const slot = serving.tree.find(bytes, start, end);
  const kind = WatchKind.dataOneShot;
  if (slot === NONE) serving.watches.add(connection.id, bytes, start, end, kind);
  else resync(serving, connection, identities, slot, true, EventType.nodeCreated, kind, bytes, start, end);
};

const childWatch: Resync = (serving, connection, identities, relativeZxid, bytes, start, end) => {
  const slot = serving.tree.find(bytes, start, end);
  if (slot === NONE) {
    serving.sendEvent(connection, EventType.nodeDeleted, bytes, start, end);
    return;
  }
  const changed = serving.tree.longOf(slot, Field.pzxid) > relativeZxid;
  const kind = WatchKind.childOneShot;
  resync(serving, connection, identities, slot, changed, EventType.nodeChildrenChanged, kind, bytes, start, end);
};

const persistentWatch: Resync = (serving, connection, _identities, _relativeZxid, bytes, start, end) => {
  serving.watches.add(connection.id, bytes, start, end, WatchKind.persistent);
};

const recursiveWatch: Resync = (serving, connection, _identities, _relativeZxid, bytes, start, end) => {
  serving.watches.add(connection.id, bytes, start, end, WatchKind.recursive);
};

/** Reads one list; with no `visit` it only checks that the list is well-formed. Returns its length. */
function eachPath(r: Reader, visit: ((start: number, end: number) => void) | null): number {
  const count = r.vectorCount(MINIMUM_PATH_BYTES);
  if (count < 0) throw new JuteError('malformed', 'a list of watches is null');
  for (let i = 0; i < count; i++) {
    const length = r.length();
    if (length < 0) throw new JuteError('malformed', 'a watched path is null');
    const start = r.pos;
    r.skip(length);
    visit?.(start, start + length);
  }
  return count;
}

/** setWatches and setWatches2 (client-protocol reference, 6.5): events for what was missed, watches for the rest. */
function setWatchesOperation(lists: readonly Resync[]): ReadOperation {
  return {
    kind: 'read',
    run(serving, connection, identities, r, xid) {
      const relativeZxid = r.long();
      const first = r.pos;
      let count = 0;
      for (let i = 0; i < lists.length; i++) count += eachPath(r, null);
      if (serving.refusesWatches(connection, xid, count)) return;
      r.pos = first;
      for (const list of lists) {
        eachPath(r, (start, end) => list(serving, connection, identities, relativeZxid, r.bytes, start, end));
      }
      serving.replyError(connection, xid, 0);
    },
  };
}

export const setWatches: ReadOperation = setWatchesOperation([dataWatch, existWatch, childWatch]);
export const setWatches2: ReadOperation = setWatchesOperation([
  dataWatch,
  existWatch,
  childWatch,
  persistentWatch,
  recursiveWatch,
]);
