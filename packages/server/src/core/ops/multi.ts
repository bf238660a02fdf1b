import { ErrorCode, JuteError, OpCode, type Reader } from '@headkeeper/protocol';
import type { Preparation } from '../preparation.ts';
import { readAclList } from '../tree/acl-record.ts';
import { check } from './check.ts';
import { create, refuseUndecodableMember } from './create.ts';
import { deleteOperation } from './delete.ts';
import type { WriteOperation } from './operation.ts';
import { setData } from './set-data.ts';

/** What a multi may hold. */
const members: ReadonlyMap<number, WriteOperation> = new Map([
  [OpCode.create, create],
  [OpCode.create2, create],
  [OpCode.createContainer, create],
  [OpCode.createTTL, create],
  [OpCode.delete, deleteOperation],
  [OpCode.setData, setData],
  [OpCode.check, check],
]);

/**
 * multi: all or nothing, each operation seeing the effects of those before it. A failure is recorded inside the txn: the
 * entries before it keep their bodies, it and the later ones become errors (storage-formats reference, 4.4).
 *
 * MARSHALLINGERROR is never the failure of a part: it is that of the whole multi, after the rest has been decoded.
 */
export const multi: WriteOperation = {
  kind: 'write',
  prepare(p, r) {
    if (!p.sessionIsLive()) return ErrorCode.sessionExpired;
    p.inMulti = true;
    p.pending.beginMulti();
    try {
      prepareMembers(p, r);
    } catch (error) {
      p.pending.endOperation();
      p.pending.rollBack();
      throw error;
    } finally {
      p.inMulti = false;
    }
    p.txnType = OpCode.multi;
    return ErrorCode.ok;
  },
};

function prepareMembers(p: Preparation, r: Reader): void {
  const log = p.log;
  const countAt = log.length;
  log.int(0);
  let count = 0;
  let failure: number = ErrorCode.ok;
  let refused = false;
  for (;;) {
    const opcode = r.int();
    const done = r.boolean();
    r.skip(4);
    if (done) break;
    const member = members.get(opcode);
    if (member === undefined) throw new JuteError('malformed', `a multi cannot hold type ${opcode}`);
    const entryAt = log.length;
    log.int(0);
    log.int(0);
    let error: number = ErrorCode.runtimeInconsistency;
    if (failure !== 0) refused = !skipMember(p, r, opcode) || refused;
    else {
      p.begin(opcode);
      error = member.prepare(p, r, opcode);
      refused = error === ErrorCode.marshallingError;
      p.pending.endOperation();
    }
    if (error !== ErrorCode.ok) {
      if (failure === 0) p.pending.rollBack();
      failure = error;
      log.length = entryAt + 8;
      log.int(error);
      p.txnType = OpCode.error;
    }
    log.view.setInt32(entryAt, p.txnType);
    log.view.setInt32(entryAt + 4, log.length - entryAt - 8);
    p.mustFit(0);
    count++;
  }
  if (refused) throw new JuteError('malformed', 'a part of a multi cannot be carried out');
  if (failure === 0) p.pending.keep();
  log.view.setInt32(countAt, count);
}

/** Moves past an operation that is not tried any more; it must be decodable all the same. False if its path is null. */
function skipMember(p: Preparation, r: Reader, opcode: number): boolean {
  const pathLength = r.length();
  r.skip(Math.max(0, pathLength));
  if (opcode === OpCode.delete || opcode === OpCode.check) r.skip(4);
  else {
    r.skip(Math.max(0, r.length()));
    if (opcode === OpCode.setData) r.skip(4);
    else {
      const acl = readAclList(r);
      const flags = r.int();
      if (opcode === OpCode.createTTL) r.skip(8);
      else refuseUndecodableMember(p, flags, acl === null);
    }
  }
  return pathLength >= 0;
}
