import { ErrorCode, encodeUtf8, Permission, type Reader, type Writer } from '@headkeeper/protocol';
import type { Preparation } from '../preparation.ts';
import { Field } from '../tree/node-store.ts';
import { lastSlash, pathIs } from '../tree/tree.ts';
import type { WriteOperation } from './operation.ts';
import { containsNul, type PathRange, readPath } from './read-path.ts';

const PROTECTED: readonly Uint8Array[] = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'].map(encodeUtf8);
const ANY_VERSION = -1;

const path: PathRange = { start: 0, end: 0 };

/** delete: the permission is asked of the parent, before the znode's existence. */
export const deleteOperation: WriteOperation = {
  kind: 'write',
  prepare(p, r) {
    const bytes = r.bytes;
    const pathLength = r.length();
    const start = r.pos;
    r.skip(Math.max(0, pathLength));
    const end = r.pos;
    const version = r.int();
    if (pathLength < 0) return ErrorCode.marshallingError;
    if (!p.sessionIsLive()) return ErrorCode.sessionExpired;
    const slash = lastSlash(bytes, start, end);
    if (slash < start || containsNul(bytes, start, end)) return ErrorCode.badArguments;
    if (PROTECTED.some((one) => pathIs(bytes, start, end, one))) return ErrorCode.badArguments;
    const parent = p.pending.find(bytes, start, slash);
    if (!parent.exists) return ErrorCode.noNode;
    if (!p.allowed(parent.aclId, Permission.delete)) return ErrorCode.noAuth;
    const node = p.pending.find(bytes, start, end);
    if (!node.exists) return ErrorCode.noNode;
    if (version !== ANY_VERSION && version !== node.stat[Field.version]) return ErrorCode.badVersion;
    if (node.childCount > 0) return ErrorCode.notEmpty;
    proposeDelete(p, p.log, bytes, start, end);
    return ErrorCode.ok;
  },
};

/**
 * Writes the path of a deletion to `log` and files its changes. The znode exists and has no children. `log` must stay
 * until the txn is applied.
 */
export function proposeDelete(p: Preparation, log: Writer, bytes: Uint8Array, start: number, end: number): void {
  log.int(end - start);
  const pathAt = log.length;
  log.raw(bytes, start, end);
  const pathEnd = log.length;
  const parentEnd = lastSlash(log.bytes, pathAt, pathEnd);
  const parent = p.pending.find(log.bytes, pathAt, parentEnd);
  p.pending.willChange(parent);
  parent.childCount--;
  parent.setLong(Field.pzxid, p.zxid);
  p.pending.changed(parent, p.zxid, log, pathAt, parentEnd, false, 0);
  const node = p.pending.find(log.bytes, pathAt, pathEnd);
  p.pending.willChange(node);
  node.exists = false;
  p.pending.changed(node, p.zxid, log, pathAt, pathEnd, false, 0);
}

/** deleteContainer as the server itself proposes it, for containers and for TTL znodes whose time is over. */
export const deleteContainer: WriteOperation = {
  kind: 'write',
  prepare(p: Preparation, r: Reader) {
    readPath(r, path);
    const node = p.pending.find(r.bytes, path.start, path.end);
    if (!node.exists) return ErrorCode.noNode;
    if (node.childCount > 0) return ErrorCode.notEmpty;
    proposeDelete(p, p.log, r.bytes, path.start, path.end);
    return ErrorCode.ok;
  },
};
