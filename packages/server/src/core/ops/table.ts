import { OpCode } from '@headkeeper/protocol';
import { auth } from './auth.ts';
import { create } from './create.ts';
import { deleteOperation } from './delete.ts';
import { exists } from './exists.ts';
import { getAcl } from './get-acl.ts';
import { getAllChildrenNumber } from './get-all-children-number.ts';
import { getChildren, getChildren2 } from './get-children.ts';
import { getData } from './get-data.ts';
import { getEphemerals } from './get-ephemerals.ts';
import { multi } from './multi.ts';
import { multiRead } from './multi-read.ts';
import type { Operation } from './operation.ts';
import { ping } from './ping.ts';
import { reconfig } from './reconfig.ts';
import { sasl } from './sasl.ts';
import { closeSession } from './sessions.ts';
import { setAcl } from './set-acl.ts';
import { setData } from './set-data.ts';
import { setWatches, setWatches2 } from './set-watches.ts';
import { sync } from './sync.ts';
import { addWatch, checkWatches, removeWatches } from './watches.ts';
import { whoAmI } from './who-am-i.ts';

/** closeSession is the lowest opcode that a client may send. */
const LOWEST = OpCode.closeSession;

const entries: readonly (readonly [number, Operation])[] = [
  [OpCode.create, create],
  [OpCode.create2, create],
  [OpCode.createContainer, create],
  [OpCode.createTTL, create],
  [OpCode.delete, deleteOperation],
  [OpCode.setData, setData],
  [OpCode.setACL, setAcl],
  [OpCode.multi, multi],
  [OpCode.reconfig, reconfig],
  [OpCode.closeSession, closeSession],
  [OpCode.exists, exists],
  [OpCode.getData, getData],
  [OpCode.getACL, getAcl],
  [OpCode.getChildren, getChildren],
  [OpCode.getChildren2, getChildren2],
  [OpCode.getAllChildrenNumber, getAllChildrenNumber],
  [OpCode.getEphemerals, getEphemerals],
  [OpCode.sync, sync],
  [OpCode.ping, ping],
  [OpCode.multiRead, multiRead],
  [OpCode.setWatches, setWatches],
  [OpCode.setWatches2, setWatches2],
  [OpCode.addWatch, addWatch],
  [OpCode.checkWatches, checkWatches],
  [OpCode.removeWatches, removeWatches],
  [OpCode.whoAmI, whoAmI],
  [OpCode.auth, auth],
  [OpCode.sasl, sasl],
];

const table: (Operation | null)[] = [];
for (const [opcode, operation] of entries) table[opcode - LOWEST] = operation;

/**
 * What a client may ask for, by opcode; null for everything else. Opcodes that servers use among themselves
 * (createSession, deleteContainer, error) and a lone check are unknown here (known failure A06).
 */
export function operationOf(opcode: number): Operation | null {
  return table[opcode - LOWEST] ?? null;
}
