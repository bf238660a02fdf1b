import { OpCode } from '@headkeeper/protocol';

const LETTERS: ReadonlyMap<number, string> = new Map([
  [OpCode.createSession, 'SESS'],
  [OpCode.closeSession, 'CLOS'],
  [OpCode.create, 'CREA'],
  [OpCode.create2, 'CRE2'],
  [OpCode.createTTL, 'CRTL'],
  [OpCode.createContainer, 'CREC'],
  [OpCode.delete, 'DELE'],
  [OpCode.deleteContainer, 'DELC'],
  [OpCode.exists, 'EXIS'],
  [OpCode.getData, 'GETD'],
  [OpCode.setData, 'SETD'],
  [OpCode.getACL, 'GETA'],
  [OpCode.setACL, 'SETA'],
  [OpCode.getChildren, 'GETC'],
  [OpCode.getChildren2, 'GETC'],
  [OpCode.getAllChildrenNumber, 'GACN'],
  [OpCode.getEphemerals, 'GETE'],
  [OpCode.sync, 'SYNC'],
  [OpCode.ping, 'PING'],
  [OpCode.multi, 'MULT'],
  [OpCode.multiRead, 'MLTR'],
  [OpCode.check, 'CHEC'],
  [OpCode.reconfig, 'RECO'],
  [OpCode.setWatches, 'SETW'],
  [OpCode.setWatches2, 'STW2'],
  [OpCode.addWatch, 'ADDW'],
  [OpCode.checkWatches, 'CHKW'],
  [OpCode.removeWatches, 'REMW'],
  [OpCode.whoAmI, 'WHOA'],
]);

/** Four letters for an operation, as Apache's `cons` shows the last one of a connection. */
export function operationLetters(opcode: number): string {
  return LETTERS.get(opcode) ?? 'NA';
}
