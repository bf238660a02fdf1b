import { ErrorCode, Writer } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { Session } from '../connection.ts';
import { inOne } from '../long-work.ts';
import type { Preparation } from '../preparation.ts';
import { proposeDelete } from './delete.ts';
import type { WriteOperation } from './operation.ts';

/** Of the end of a session with very many ephemerals: a few milliseconds. */
const ZNODES_PER_SLICE = 256;

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
  prepare: (p) => inOne(closeInSlices(p)),
};

/** Whether the end of the session is too much for one step. */
export function endsInSlices(session: Session | null): boolean {
  return (session?.ephemerals?.size ?? 0) > limits.ephemeralsAtOnce;
}

/** As `closeSession.prepare`, in slices. */
export function* closeInSlices(p: Preparation): Generator<void, number> {
  const session = p.session;
  if (session === null || session.closing) return ErrorCode.sessionExpired;
  const paths = yield* ephemeralPaths(p, session);
  const countAt = p.log.length;
  const inTxn = p.serving.settings.closeSessionTxn ? p.log : null;
  inTxn?.int(0);
  let named = 0;
  let done = 0;
  let log = inTxn ?? new Writer();
  for (const path of paths) {
    if (log === p.log && !p.fits(path.length)) log = new Writer();
    if (log === p.log) named++;
    proposeDelete(p, log, path, 0, path.length);
    p.pending.endOperation();
    if (++done % ZNODES_PER_SLICE === 0) yield;
  }
  inTxn?.view.setInt32(countAt, named);
  session.closing = true;
  return ErrorCode.ok;
}

/** Paths of the session's ephemerals once everything proposed has been applied. */
function* ephemeralPaths(p: Preparation, session: Session): Generator<void, Uint8Array[]> {
  const { store } = p.serving.tree;
  const paths: Uint8Array[] = [];
  let looked = 0;
  for (const slot of session.ephemerals ?? []) {
    if (++looked % ZNODES_PER_SLICE === 0) yield;
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
