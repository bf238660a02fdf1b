import { decodeUtf8, ErrorCode, encodeUtf8, type Identity, isValidUtf8, utf8Length } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { Connection } from '../connection.ts';
import type { Serving } from '../serving.ts';
import { base64 } from './base64.ts';
import type { ImmediateOperation } from './operation.ts';

const COLON = 0x3a;

/** auth (client-protocol reference, 8.2): adds identities to the connection; what is refused closes it. */
export const auth: ImmediateOperation = {
  kind: 'immediate',
  run(serving, connection, r, xid) {
    r.skip(4);
    const scheme = r.string();
    const data = r.buffer();
    const accepted = authenticate(serving, connection, scheme, data);
    serving.replyBare(connection, xid, 0, accepted ? ErrorCode.ok : ErrorCode.authFailed);
    if (accepted) return;
    serving.statistics.authFailures++;
    serving.close(connection);
  },
};

function authenticate(
  serving: Serving,
  connection: Connection,
  scheme: string | null,
  data: Uint8Array | null,
): boolean {
  if (scheme === 'ip') return true;
  if (scheme !== 'digest' || data === null) return false;
  // Apache takes the credentials through a string, so malformed UTF-8 is replaced before it is hashed.
  const text = isValidUtf8(data) ? data : encodeUtf8(decodeUtf8(data));
  const hash = base64(serving.hashing.digest(serving.settings.digestAlgorithm, text));
  let colon = data.indexOf(COLON);
  if (colon < 0) colon = data.length;
  const user = decodeUtf8(data, 0, colon);
  const id = `${user}:${hash}`;
  if (id === serving.settings.superDigest && !add(connection, { scheme: 'super', id: '' })) return false;
  return add(connection, { scheme: 'digest', id });
}

/** Adds an identity unless it is there already; false when there are too many. */
function add(connection: Connection, identity: Identity): boolean {
  const known = connection.identities.some((one) => one.scheme === identity.scheme && one.id === identity.id);
  if (known) return true;
  if (connection.identities.length >= limits.identities) return false;
  const bytes = connection.identities.reduce((sum, one) => sum + utf8Length(one.id), utf8Length(identity.id));
  if (bytes > limits.identityBytes) return false;
  connection.identities = [...connection.identities, identity];
  return true;
}
