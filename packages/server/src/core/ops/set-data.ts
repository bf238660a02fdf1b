import { checkPathBytes, ErrorCode, Permission } from '@headkeeper/protocol';
import { Field } from '../tree/node-store.ts';
import type { WriteOperation } from './operation.ts';

const ANY_VERSION = -1;

/** setData: the quota is tested before the version. A null path is a bad argument here, not an undecodable body. */
export const setData: WriteOperation = {
  kind: 'write',
  prepare(p, r) {
    const bytes = r.bytes;
    const pathLength = r.length();
    const start = r.pos;
    r.skip(Math.max(0, pathLength));
    const end = r.pos;
    const dataLength = r.length();
    const dataStart = r.pos;
    r.skip(Math.max(0, dataLength));
    const version = r.int();
    if (p.inMulti && pathLength < 0) return ErrorCode.marshallingError;
    if (!p.sessionIsLive()) return ErrorCode.sessionExpired;
    if (pathLength < 0 || !checkPathBytes(bytes, start, end)) return ErrorCode.badArguments;
    const node = p.pending.find(bytes, start, end);
    if (!node.exists) return ErrorCode.noNode;
    if (!p.allowed(node.aclId, Permission.write)) return ErrorCode.noAuth;
    if (p.serving.settings.enforceQuota) {
      const difference = Math.max(0, dataLength) - Math.max(0, node.dataLength);
      const error = p.serving.checkQuota(bytes, start, end, 0, difference);
      if (error !== ErrorCode.ok) return error;
    }
    if (version !== ANY_VERSION && version !== node.stat[Field.version]) return ErrorCode.badVersion;

    const newVersion = (node.stat[Field.version] + 1) | 0;
    const log = p.log;
    log.int(pathLength);
    const pathAt = log.length;
    log.raw(bytes, start, end);
    log.int(dataLength);
    const dataAt = log.length;
    if (dataLength > 0) log.raw(bytes, dataStart, dataStart + dataLength);
    log.int(newVersion);

    p.pending.willChange(node);
    node.stat[Field.version] = newVersion;
    node.setLong(Field.mzxid, p.zxid);
    node.setLong(Field.mtime, p.time);
    node.dataLength = dataLength;
    p.pending.changed(node, p.zxid, log, pathAt, pathAt + pathLength, true, dataAt);
    return ErrorCode.ok;
  },
};
