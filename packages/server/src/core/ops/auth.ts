import { ErrorCode } from '@headkeeper/protocol';
import type { ImmediateOperation } from './operation.ts';

/** auth (client-protocol reference, 8.2): adds identities to the connection; what is refused closes it. */
export const auth: ImmediateOperation = {
  kind: 'immediate',
  run(serving, connection, r, xid) {
    r.skip(4);
    const scheme = r.string();
    const data = r.buffer();
    const outcome = serving.authentication.prove(connection, scheme, data, serving.nowMs);
    if (outcome !== 'dropped') {
      serving.replyBare(connection, xid, 0, outcome === 'accepted' ? ErrorCode.ok : ErrorCode.authFailed);
    }
    if (outcome === 'accepted') return;
    serving.statistics.authFailures++;
    serving.audit?.authenticationFailed(connection, scheme, serving.wallMs);
    serving.close(connection);
  },
};
