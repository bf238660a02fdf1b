import { CreateMode, checkPathBytes, ErrorCode, JuteError, OpCode, Permission } from '@headkeeper/protocol';
import type { Preparation } from '../preparation.ts';
import { fixUpAcl } from '../tree/acl-match.ts';
import { aclListBytes, readAclList, skipOpenList, writeAcl } from '../tree/acl-record.ts';
import { Field } from '../tree/node-store.ts';
import { CONTAINER_OWNER, ttlOwnerHigh } from '../tree/stat.ts';
import { lastSlash } from '../tree/tree.ts';
import type { WriteOperation } from './operation.ts';
import { containsNul } from './read-path.ts';

/** Largest time to live, milliseconds: 40 bits. */
const MAX_TTL = 0xffffffffff;
const NO_TTL = -1;
/** The widest suffix is "-2147483648". */
const SUFFIX_BYTES = 11;

/** create, create2, createContainer, createTTL (client-protocol reference, 3.3, where the order of the checks is given). */
export const create: WriteOperation = {
  kind: 'write',
  prepare(p, r, opcode) {
    const bytes = r.bytes;
    const givenLength = r.length();
    const start = r.pos;
    r.skip(Math.max(0, givenLength));
    const end = r.pos;
    const dataLength = r.length();
    const dataStart = r.pos;
    r.skip(Math.max(0, dataLength));
    const openAcl = skipOpenList(r);
    const requested = openAcl ? null : readAclList(r);
    const flags = r.int();
    const hasTtl = opcode === OpCode.createTTL;
    const ttl = hasTtl ? r.long() : NO_TTL;

    if (p.inMulti) {
      if (!hasTtl) refuseUndecodableMember(p, flags, !openAcl && requested === null);
      if (givenLength < 0) return ErrorCode.marshallingError;
    }
    if (flags < CreateMode.persistent || flags > CreateMode.persistentSequentialWithTTL) return ErrorCode.badArguments;
    const isTtl = flags >= CreateMode.persistentWithTTL;
    const type = txnTypeOf(p.inMulti, opcode, flags);
    if (isTtl && !p.serving.settings.extendedTypesEnabled) return ErrorCode.unimplemented;
    if (isTtl && (ttl <= 0 || ttl > MAX_TTL)) return ErrorCode.badArguments;
    if (hasTtl && !isTtl && !p.inMulti) return ErrorCode.badArguments;
    if (givenLength < 0) return ErrorCode.marshallingError;
    if (!p.sessionIsLive()) return ErrorCode.sessionExpired;
    if (p.session?.isLocal === true && !isTtl && isEphemeral(flags)) return ErrorCode.ephemeralOnLocalSession;
    const slash = lastSlash(bytes, start, end);
    if (slash < start || containsNul(bytes, start, end)) return ErrorCode.badArguments;
    const acl = openAcl ? null : fixUpAcl(requested, p.identities, p.serving.settings.authentication.schemes);
    if (!openAcl && acl === null) return ErrorCode.invalidACL;
    const parent = p.pending.find(bytes, start, slash);
    if (!parent.exists) return ErrorCode.noNode;
    if (!p.allowed(parent.aclId, Permission.create)) return ErrorCode.noAuth;

    let full = bytes;
    let fullStart = start;
    let fullEnd = end;
    if (isSequential(flags)) {
      const scratch = p.scratch;
      scratch.length = 0;
      scratch.raw(bytes, start, end);
      writeSuffix(p, parent.stat[Field.cversion]);
      full = scratch.bytes;
      fullStart = 0;
      fullEnd = scratch.length;
    }
    if (!checkPathBytes(full, fullStart, fullEnd)) return ErrorCode.badArguments;
    const node = p.pending.find(full, fullStart, fullEnd);
    if (node.exists) return ErrorCode.nodeExists;
    const kinds = p.serving.tree.kinds;
    const parentOwnerHigh = parent.stat[Field.owner];
    const parentOwnerLow = parent.stat[Field.owner + 1];
    if ((parentOwnerHigh !== 0 || parentOwnerLow !== 0) && kinds.of(parentOwnerHigh, parentOwnerLow) === 'ephemeral') {
      return ErrorCode.noChildrenForEphemerals;
    }
    if (p.serving.settings.enforceQuota) {
      const error = p.serving.checkQuota(full, fullStart, fullEnd, 1, Math.max(0, dataLength));
      if (error !== ErrorCode.ok) return error;
    }

    p.mustFit(fullEnd - fullStart + Math.max(0, dataLength) + (acl === null ? 0 : aclListBytes(acl)));

    const aclId = acl === null ? -1 : p.serving.tree.acls.intern(acl);
    const cversion = (parent.stat[Field.cversion] + 1) | 0;
    const ephemeral = type !== OpCode.createContainer && type !== OpCode.createTTL && isEphemeral(flags);
    const log = p.log;
    const pathLength = fullEnd - fullStart;
    log.int(pathLength);
    const pathAt = log.length;
    log.raw(full, fullStart, fullEnd);
    log.int(dataLength);
    const dataAt = log.length;
    if (dataLength > 0) log.raw(bytes, dataStart, dataStart + dataLength);
    writeAcl(log, p.serving.tree.acls, aclId);
    if (type === OpCode.create || type === OpCode.create2) log.boolean(ephemeral);
    log.int(cversion);
    if (type === OpCode.createTTL) log.long(ttl);
    p.txnType = type;

    const pathEnd = pathAt + pathLength;
    p.pending.willChange(parent);
    parent.childCount++;
    // As in the tree, which never takes the counter back: after 2147483647 it stays there, and pzxid with it.
    if (cversion > parent.stat[Field.cversion]) {
      parent.stat[Field.cversion] = cversion;
      parent.setLong(Field.pzxid, p.zxid);
    }
    p.pending.changed(parent, p.zxid, log, pathAt, pathAt + lastSlash(full, fullStart, fullEnd) - fullStart, false, 0);
    p.pending.willChange(node);
    node.exists = true;
    node.stat.fill(0);
    node.setLong(Field.czxid, p.zxid);
    node.setLong(Field.mzxid, p.zxid);
    node.setLong(Field.pzxid, p.zxid);
    node.setLong(Field.ctime, p.time);
    node.setLong(Field.mtime, p.time);
    if (type === OpCode.createContainer) node.stat[Field.owner] = CONTAINER_OWNER.high;
    else if (type === OpCode.createTTL) {
      node.stat[Field.owner] = ttlOwnerHigh(ttl);
      node.stat[Field.owner + 1] = ttl;
    } else if (ephemeral && p.session !== null) {
      node.stat[Field.owner] = p.session.idHigh;
      node.stat[Field.owner + 1] = p.session.idLow;
    }
    node.childCount = 0;
    node.dataLength = dataLength;
    p.serving.tree.acls.release(node.aclId);
    node.aclId = aclId;
    node.outsideDigest = p.pending.isOutsideDigest(log.bytes, pathAt, pathEnd);
    p.pending.changed(node, p.zxid, log, pathAt, pathEnd, true, dataAt);
    return ErrorCode.ok;
  },
};

/** What Apache's decoder of a multi refuses together with the whole multi; createTTL is spared. */
export function refuseUndecodableMember(p: Preparation, flags: number, aclIsNull: boolean): void {
  if (flags < CreateMode.persistent || flags > CreateMode.container) {
    throw new JuteError('malformed', `create flags ${flags} in a multi`);
  }
  if (aclIsNull) {
    p.leaveNoTxn = true;
    throw new JuteError('malformed', 'the access control list is null');
  }
}

function isSequential(flags: number): boolean {
  return (
    flags === CreateMode.persistentSequential ||
    flags === CreateMode.ephemeralSequential ||
    flags === CreateMode.persistentSequentialWithTTL
  );
}

function isEphemeral(flags: number): boolean {
  return flags === CreateMode.ephemeral || flags === CreateMode.ephemeralSequential;
}

/** Outside a multi the opcode says what is made, inside it the flag does (client-protocol reference, 3.3 and 3.6). */
function txnTypeOf(inMulti: boolean, opcode: number, flags: number): number {
  if (!inMulti) return opcode;
  if (flags === CreateMode.container) return OpCode.createContainer;
  if (opcode !== OpCode.createTTL) return opcode;
  return flags >= CreateMode.persistentWithTTL ? OpCode.createTTL : OpCode.create;
}

/** Appends the counter as ten digits, zero-padded like printf's %010d, so a minus sign takes the place of one. */
function writeSuffix(p: Preparation, counter: number): void {
  const digits = Math.abs(counter).toString();
  const text = counter < 0 ? `-${digits.padStart(9, '0')}` : digits.padStart(10, '0');
  const at = p.scratch.reserve(SUFFIX_BYTES);
  for (let i = 0; i < text.length; i++) p.scratch.bytes[at + i] = text.charCodeAt(i);
  p.scratch.length = at + text.length;
}
