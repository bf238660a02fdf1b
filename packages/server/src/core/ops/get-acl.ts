import { ErrorCode, Permission } from '@headkeeper/protocol';
import { maskAcl } from '../tree/acl-match.ts';
import { writeAcl, writeAclList } from '../tree/acl-record.ts';
import { Field, NONE } from '../tree/node-store.ts';
import type { ReadOperation } from './operation.ts';
import { type PathRange, readPath } from './read-path.ts';

const path: PathRange = { start: 0, end: 0 };

/** getACL needs READ or ADMIN; without ADMIN the digests are masked (CVE-2019-0201). */
export const getAcl: ReadOperation = {
  kind: 'read',
  run(serving, connection, identities, r, xid) {
    readPath(r, path);
    const { tree } = serving;
    const slot = tree.find(r.bytes, path.start, path.end);
    if (slot === NONE) {
      serving.replyError(connection, xid, ErrorCode.noNode);
      return;
    }
    if (!serving.allowedOn(slot, Permission.read | Permission.admin, identities)) {
      serving.replyError(connection, xid, ErrorCode.noAuth);
      return;
    }
    const aclId = tree.store.get(slot, Field.aclId);
    const at = serving.beginReply(connection, xid);
    if (serving.allowed(aclId, Permission.admin, identities)) writeAcl(connection.out, tree.acls, aclId);
    else writeAclList(connection.out, maskAcl(tree.acls.list(aclId)));
    serving.writeStat(connection.out, slot);
    serving.endReply(connection, at);
  },
};
