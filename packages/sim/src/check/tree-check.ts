import { decodeUtf8 } from '@headkeeper/protocol';
import { type AssembledServer, Field } from '@headkeeper/server/internal';
import { aclText } from '@headkeeper/testkit';
import { byteText } from '../model/byte-text.ts';
import type { Oracle } from '../model/oracle.ts';
import { law, zxidText } from './violation.ts';

/**
 * Compares the whole tree and all sessions of a server with the model. The model must be at the same txn. Costly: sampled.
 */
export function checkTree(who: number, server: AssembledServer, oracle: Oracle, zxid: number): void {
  const { tree, sessions } = server.replica.serving;
  const { store } = tree;
  const name = (): string => `server ${who} at ${zxidText(zxid)}`;
  let seen = 0;
  for (let slot = 0; slot < store.slotLimit; slot++) {
    if (!store.isLive(slot)) continue;
    const bytes = server.replica.serving.database.applier.pathOf(slot);
    const path = decodeUtf8(bytes, 0, bytes.length);
    if (path.startsWith('/zookeeper')) continue;
    seen++;
    const wanted = oracle.tree.latest(path);
    law(wanted !== null, 'state', () => `${name()} has ${path}, the model has not`);
    const length = store.get(slot, Field.dataLength);
    const at = store.dataOffset(slot);
    const aclId = store.get(slot, Field.aclId);
    const found = [
      length < 0 ? null : byteText(store.dataBytes(slot).subarray(at, at + length)),
      aclId === -1 ? 'world:anyone:31' : aclText(tree.acls.list(aclId)),
      tree.longOf(slot, Field.czxid),
      tree.longOf(slot, Field.mzxid),
      tree.longOf(slot, Field.pzxid),
      tree.longOf(slot, Field.ctime),
      tree.longOf(slot, Field.mtime),
      store.get(slot, Field.version),
      store.get(slot, Field.aversion),
      store.get(slot, Field.childCount),
      sessionId(store.get(slot, Field.owner), store.get(slot, Field.owner + 1)),
    ];
    const expected = [
      wanted.data,
      wanted.acl,
      wanted.czxid,
      wanted.mzxid,
      wanted.pzxid,
      wanted.ctime,
      wanted.mtime,
      wanted.version,
      wanted.aversion,
      wanted.children,
      wanted.owner,
    ];
    law(
      found.every((value, i) => value === expected[i]),
      'state',
      () => `${name()}: ${path} is ${found.join('|')}, the model says ${expected.join('|')}`,
    );
    law(wanted.owner <= 0n || oracle.sessions.has(wanted.owner), 'ephemerals', () => `${name()}: ${path} has no owner`);
  }
  law(seen === oracle.tree.live.length + 1, 'state', () => {
    return `${name()} has ${seen} znodes, the model ${oracle.tree.live.length + 1}`;
  });
  let count = 0;
  sessions.forEach((session) => {
    count++;
    const id = sessionId(session.idHigh, session.idLow);
    const known = oracle.sessions.get(id);
    law(
      known?.timeoutMs === session.timeoutMs,
      'sessions',
      () => `${name()} has session ${id}, the model ${known?.timeoutMs}`,
    );
  });
  law(
    count === oracle.sessions.size,
    'sessions',
    () => `${name()} has ${count} sessions, the model ${oracle.sessions.size}`,
  );
}

function sessionId(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}
