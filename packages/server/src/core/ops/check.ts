import { checkPathBytes, ErrorCode, Permission } from '@headkeeper/protocol';
import { Field } from '../tree/node-store.ts';
import type { WriteOperation } from './operation.ts';

const ANY_VERSION = -1;

/** check, which exists only inside a multi: outside it is an unknown operation (3.9.3). */
export const check: WriteOperation = {
  kind: 'write',
  prepare(p, r) {
    const pathLength = r.length();
    const start = r.pos;
    r.skip(Math.max(0, pathLength));
    const end = r.pos;
    const version = r.int();
    if (p.inMulti && pathLength < 0) return ErrorCode.marshallingError;
    if (!p.sessionIsLive()) return ErrorCode.sessionExpired;
    if (pathLength < 0 || !checkPathBytes(r.bytes, start, end)) return ErrorCode.badArguments;
    const node = p.pending.find(r.bytes, start, end);
    if (!node.exists) return ErrorCode.noNode;
    if (!p.allowed(node.aclId, Permission.read)) return ErrorCode.noAuth;
    const current = node.stat[Field.version];
    if (version !== ANY_VERSION && version !== current) return ErrorCode.badVersion;
    p.log.int(pathLength);
    p.log.raw(r.bytes, start, end);
    p.log.int((version === ANY_VERSION ? current : version) + 1);
    return ErrorCode.ok;
  },
};
