import { ErrorCode, Writer } from '@headkeeper/protocol';
import type { Session } from '../connection.ts';
import type { Preparation } from '../preparation.ts';
import { proposeDelete } from './delete.ts';
import type { WriteOperation } from './operation.ts';

/** createSession, which the server proposes for a handshake: the body is the negotiated timeout in milliseconds. */
export const createSession: WriteOperation = {
  kind: 'write',
  prepare(p, r) {
    p.log.int(r.int());
    return ErrorCode.ok;
  },
};

/**
 * closeSession, asked for by the client or by expiry: names every ephemeral that the session will own by then, as far as
 * they fit into a record that can be read back (ZOOKEEPER-4306), or none where servers before 3.6 are to understand it.
 * Applying it deletes what the session owns, named or not.
 */
export const closeSession: WriteOperation = {
  kind: 'write',
  prepare(p) {
    const session = p.session;
    if (session === null || session.closing) return ErrorCode.sessionExpired;
    const paths = ephemeralPaths(p, session);
    const named = p.serving.settings.closeSessionTxn ? p.log : null;
    const countAt = p.log.length;
    named?.int(0);
    let count = 0;
    let log = named ?? new Writer();
    for (const path of paths) {
      if (log === p.log && !p.fits(path.length)) log = new Writer();
      if (log === p.log) count++;
      proposeDelete(p, log, path, 0, path.length);
      p.pending.endOperation();
    }
    named?.view.setInt32(countAt, count);
    session.closing = true;
    return ErrorCode.ok;
  },
};

/** Paths of the session's ephemerals once everything proposed has been applied. */
function ephemeralPaths(p: Preparation, session: Session): Uint8Array[] {
  const { store } = p.serving.tree;
  const paths: Uint8Array[] = [];
  for (const slot of session.ephemerals ?? []) {
    const path = new Uint8Array(store.pathLength(slot));
    store.writePathBackwards(slot, path, path.length);
    const node = p.pending.find(path, 0, path.length);
    if (node.exists && !node.attached) paths.push(path);
    p.pending.endOperation();
  }
  for (const { path, pathStart, pathEnd } of p.pending.ownedBy(session.idHigh, session.idLow)) {
    if (path !== null) paths.push(path.bytes.slice(pathStart, pathEnd));
  }
  return paths;
}
