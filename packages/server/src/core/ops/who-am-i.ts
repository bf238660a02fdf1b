import type { Identity } from '@headkeeper/protocol';
import type { ReadOperation } from './operation.ts';

/** The name under which an identity may be shown: a digest without its secret. */
export function userOf(identity: Identity): string {
  return identity.scheme === 'digest' ? identity.id.slice(0, indexOrEnd(identity.id, ':')) : identity.id;
}

function indexOrEnd(text: string, mark: string): number {
  const at = text.indexOf(mark);
  return at < 0 ? text.length : at;
}

export const whoAmI: ReadOperation = {
  kind: 'read',
  run(serving, connection, identities, _r, xid) {
    const at = serving.beginReply(connection, xid);
    connection.out.int(identities.length);
    for (const identity of identities) {
      connection.out.string(identity.scheme);
      connection.out.string(userOf(identity));
    }
    serving.endReply(connection, at);
  },
};
