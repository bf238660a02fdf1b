import { ErrorCode, JuteError } from '@headkeeper/protocol';
import type { Connection } from '../connection.ts';
import type { Serving } from '../serving.ts';
import type { ImmediateOperation } from './operation.ts';

/**
 * sasl (client-protocol reference, 8.4): one token of an exchange. Who fails is told so and the connection closed, unless
 * the configuration lets it go on without an identity. Where nobody can log in the answer is empty.
 */
export const sasl: ImmediateOperation = {
  kind: 'immediate',
  run(serving, connection, r, xid) {
    const token = r.buffer();
    if (token === null) throw new JuteError('malformed', 'the token is null');
    const { authentication } = serving;
    const step = authentication.sasl(connection, token, serving.nowMs);
    if (step.outcome === 'more' || step.outcome === 'passed') {
      reply(serving, connection, xid, ErrorCode.ok, step.token);
      return;
    }
    if (step.outcome === 'unavailable') {
      reply(serving, connection, xid, ErrorCode.ok, null);
      return;
    }
    serving.statistics.authFailures++;
    serving.audit?.authenticationFailed(connection, 'sasl', serving.wallMs);
    if (step.outcome === 'dropped') {
      serving.close(connection);
      return;
    }
    const { requiresSasl } = authentication;
    if (serving.settings.authentication.allowsSaslFailedClients && !requiresSasl) {
      reply(serving, connection, xid, ErrorCode.ok, null);
      return;
    }
    reply(serving, connection, xid, requiresSasl ? ErrorCode.sessionClosedRequireSaslAuth : ErrorCode.authFailed, null);
    serving.close(connection);
  },
};

function reply(serving: Serving, connection: Connection, xid: number, error: number, token: Uint8Array | null): void {
  const at = serving.beginTxnReply(connection, xid, 0, error);
  connection.out.buffer(token);
  serving.endReply(connection, at);
}
