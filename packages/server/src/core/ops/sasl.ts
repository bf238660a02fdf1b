import { JuteError } from '@headkeeper/protocol';
import type { ImmediateOperation } from './operation.ts';

/** sasl on a server without SASL: an empty answer, and the connection goes on (client-protocol reference, 8.4). */
export const sasl: ImmediateOperation = {
  kind: 'immediate',
  run(serving, connection, r, xid) {
    if (r.buffer() === null) throw new JuteError('malformed', 'the token is null');
    const at = serving.beginTxnReply(connection, xid, 0, 0);
    connection.out.int(-1);
    serving.endReply(connection, at);
  },
};
