import { CreateMode, JuteError, OpCode, Reader } from '@headkeeper/protocol';
import { readAclList } from '../tree/acl-record.ts';

/** Whether the request whose body `r` stands at would make an ephemeral: a create, or a multi with one among its parts. */
export function makesEphemeral(opcode: number, r: Reader): boolean {
  if (opcode !== OpCode.create && opcode !== OpCode.create2 && opcode !== OpCode.multi) return false;
  const body = new Reader(r.bytes, r.pos, r.end);
  try {
    return opcode === OpCode.multi ? anyPart(body) : isEphemeral(createFlags(body));
  } catch (error) {
    if (!(error instanceof JuteError)) throw error;
    return false;
  }
}

function anyPart(r: Reader): boolean {
  for (;;) {
    const opcode = r.int();
    const done = r.boolean();
    r.skip(4);
    if (done) return false;
    switch (opcode) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
        if (isEphemeral(createFlags(r))) return true;
        break;
      case OpCode.createTTL:
        createFlags(r);
        r.skip(8);
        break;
      case OpCode.setData:
        skipBuffer(r);
        skipBuffer(r);
        r.skip(4);
        break;
      default:
        // delete and check.
        skipBuffer(r);
        r.skip(4);
    }
  }
}

function createFlags(r: Reader): number {
  skipBuffer(r);
  skipBuffer(r);
  readAclList(r);
  return r.int();
}

function skipBuffer(r: Reader): void {
  r.skip(Math.max(0, r.length()));
}

function isEphemeral(flags: number): boolean {
  return flags === CreateMode.ephemeral || flags === CreateMode.ephemeralSequential;
}
