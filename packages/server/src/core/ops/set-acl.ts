import { checkPathBytes, ErrorCode, Permission } from '@headkeeper/protocol';
import { fixUpAcl } from '../tree/acl-match.ts';
import { aclListBytes, readAclList, skipOpenList, writeAcl } from '../tree/acl-record.ts';
import { Field } from '../tree/node-store.ts';
import type { WriteOperation } from './operation.ts';

const ANY_VERSION = -1;

/** setACL: the version is that of the list. No watch fires. */
export const setAcl: WriteOperation = {
  kind: 'write',
  prepare(p, r) {
    const bytes = r.bytes;
    const pathLength = r.length();
    const start = r.pos;
    r.skip(Math.max(0, pathLength));
    const end = r.pos;
    const openAcl = skipOpenList(r);
    const requested = openAcl ? null : readAclList(r);
    const version = r.int();
    if (!p.sessionIsLive()) return ErrorCode.sessionExpired;
    if (pathLength < 0 || !checkPathBytes(bytes, start, end)) return ErrorCode.badArguments;
    const acl = openAcl ? null : fixUpAcl(requested, p.identities, p.serving.settings.authentication.schemes);
    if (!openAcl && acl === null) return ErrorCode.invalidACL;
    const node = p.pending.find(bytes, start, end);
    if (!node.exists) return ErrorCode.noNode;
    if (!p.allowed(node.aclId, Permission.admin)) return ErrorCode.noAuth;
    if (version !== ANY_VERSION && version !== node.stat[Field.aversion]) return ErrorCode.badVersion;
    if (acl !== null) p.mustFit(pathLength + aclListBytes(acl));

    const acls = p.serving.tree.acls;
    const aclId = acl === null ? -1 : acls.intern(acl);
    const newVersion = (node.stat[Field.aversion] + 1) | 0;
    const log = p.log;
    log.int(pathLength);
    const pathAt = log.length;
    log.raw(bytes, start, end);
    writeAcl(log, acls, aclId);
    log.int(newVersion);

    p.pending.willChange(node);
    acls.release(node.aclId);
    node.aclId = aclId;
    node.stat[Field.aversion] = newVersion;
    p.pending.changed(node, p.zxid, log, pathAt, pathAt + pathLength, false, 0);
    return ErrorCode.ok;
  },
};
