import { Permission } from '@headkeeper/protocol';
import { maskAcl } from '../tree/acl-match.ts';
import { writeAcl, writeAclList } from '../tree/acl-record.ts';
import { Field, NONE } from '../tree/node-store.ts';
import type { ReadOperation } from './operation.ts';
import { findOrRefuse, type PathRange, readPath } from './read-path.ts';

const path: PathRange = { start: 0, end: 0 };

/** getACL needs READ or ADMIN; without ADMIN the digests are masked (CVE-2019-0201). */
export const getAcl: ReadOperation = {
  kind: 'read',
  run(serving, connection, identities, r, xid) {
    readPath(r, path);
    const { tree } = serving;
    const slot = findOrRefuse(serving, connection, identities, xid, r, path, Permission.read | Permission.admin);
    if (slot === NONE) return;
    const aclId = tree.store.get(slot, Field.aclId);
    const at = serving.beginReply(connection, xid);
    if (serving.allowed(aclId, Permission.admin, identities)) writeAcl(connection.out, tree.acls, aclId);
    else writeAclList(connection.out, maskAcl(tree.acls.list(aclId)));
    serving.writeStat(connection.out, slot);
    serving.endReply(connection, at);
  },
};
