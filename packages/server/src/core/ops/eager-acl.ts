import { checkPathBytes, ErrorCode, type Identity, JuteError, OpCode, Permission, Reader } from '@headkeeper/protocol';
import type { Serving } from '../serving.ts';
import { fixUpAcl } from '../tree/acl-match.ts';
import { readAclList } from '../tree/acl-record.ts';
import { NONE } from '../tree/node-store.ts';
import { lastSlash } from '../tree/tree.ts';

/**
 * What this server's own state says against a write, before it becomes a txn (`enableEagerACLCheck`, client-protocol
 * reference, 8.6): NOAUTH, INVALIDACL, or 0. The request's body is left where it is. What is wrong with a write otherwise,
 * and what a state that is behind cannot know, is for the server that makes the txn.
 */
export function eagerRefusal(
  serving: Serving,
  opcode: number,
  identities: readonly Identity[],
  request: Reader,
): number {
  try {
    const r = new Reader(request.bytes, request.pos, request.end);
    const length = r.length();
    const start = r.pos;
    r.skip(Math.max(0, length));
    const end = r.pos;
    if (length < 0 || !checkPathBytes(r.bytes, start, end)) return ErrorCode.ok;
    const ofParent = opcode === OpCode.create || opcode === OpCode.create2 || opcode === OpCode.delete;
    const wanted = permissionFor(opcode);
    if (wanted === 0) return ErrorCode.ok;
    if (opcode !== OpCode.delete && opcode !== OpCode.setData) {
      if (opcode !== OpCode.setACL) r.skip(Math.max(0, r.length()));
      const { schemes } = serving.settings.authentication;
      if (fixUpAcl(readAclList(r), identities, schemes) === null) return ErrorCode.invalidACL;
    }
    const slot = serving.tree.find(r.bytes, start, ofParent ? lastSlash(r.bytes, start, end) : end);
    if (slot === NONE || serving.allowedOn(slot, wanted, identities)) return ErrorCode.ok;
    return ErrorCode.noAuth;
  } catch (error) {
    if (error instanceof JuteError) return ErrorCode.ok;
    throw error;
  }
}

/** 0: the write is not looked at. */
function permissionFor(opcode: number): number {
  switch (opcode) {
    case OpCode.create:
    case OpCode.create2:
      return Permission.create;
    case OpCode.delete:
      return Permission.delete;
    case OpCode.setData:
      return Permission.write;
    case OpCode.setACL:
      return Permission.admin;
    default:
      return 0;
  }
}
