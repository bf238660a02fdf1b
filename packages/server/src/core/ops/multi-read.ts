import { ErrorCode, JuteError, OpCode, Permission, type Writer } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import { NONE } from '../tree/node-store.ts';
import { writeChildren } from './get-children.ts';
import { writeData } from './get-data.ts';
import type { ReadOperation } from './operation.ts';
import { type PathRange, readPath } from './read-path.ts';

const path: PathRange = { start: 0, end: 0 };

function writeHeader(out: Writer, type: number, done: boolean, error: number): void {
  out.int(type);
  out.boolean(done);
  out.int(error);
}

/** multiRead: getData and getChildren, each with a result of its own; watch flags are ignored. */
export const multiRead: ReadOperation = {
  kind: 'read',
  run(serving, connection, identities, r, xid) {
    const first = r.pos;
    for (;;) {
      const type = r.int();
      const done = r.boolean();
      r.skip(4);
      if (done) break;
      if (type !== OpCode.getData && type !== OpCode.getChildren) {
        throw new JuteError('malformed', `a multiRead cannot hold type ${type}`);
      }
      readPath(r, path);
      r.skip(1);
    }
    r.pos = first;
    const { tree } = serving;
    const out = connection.out;
    const at = serving.beginReply(connection, xid);
    for (;;) {
      // A request of a megabyte can name a large znode fifty thousand times.
      if (out.length - at > limits.outputMaximum) {
        out.length = at;
        throw new JuteError('over-limit', 'the results of a multiRead are too large');
      }
      const type = r.int();
      const done = r.boolean();
      r.skip(4);
      if (done) break;
      readPath(r, path);
      r.skip(1);
      const slot = tree.find(r.bytes, path.start, path.end);
      const error =
        slot === NONE
          ? ErrorCode.noNode
          : serving.allowedOn(slot, Permission.read, identities)
            ? ErrorCode.ok
            : ErrorCode.noAuth;
      if (error !== ErrorCode.ok) {
        writeHeader(out, OpCode.error, false, error);
        out.int(error);
        continue;
      }
      writeHeader(out, type, false, 0);
      if (type === OpCode.getData) {
        writeData(out, tree.store, slot);
        serving.writeStat(out, slot);
      } else writeChildren(out, tree.store, slot);
    }
    writeHeader(out, -1, true, -1);
    serving.endReply(connection, at);
  },
};
