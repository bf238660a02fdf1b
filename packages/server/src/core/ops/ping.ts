import { SpecialXid } from '@headkeeper/protocol';
import type { ReadOperation } from './operation.ts';

/** ping: the reply's xid is -2, whatever the request's was. The session was touched when the request arrived. */
export const ping: ReadOperation = {
  kind: 'read',
  run(serving, connection) {
    serving.replyError(connection, SpecialXid.ping, 0);
  },
};
