import { JuteError } from '../bytes/jute-error.ts';
import { Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';

/** How the authentication of a server stands, as its packets carry it (election-protocol reference, section 2.7). */
export const QuorumAuthStatus = { inProgress: 0, success: 1, error: -1 } as const;

export type QuorumAuthStatusNumber = (typeof QuorumAuthStatus)[keyof typeof QuorumAuthStatus];

/** One step of SASL between servers. */
export interface QuorumAuthPacket {
  readonly status: QuorumAuthStatusNumber;
  /** What the mechanism says; null differs from empty. A copy. */
  readonly token: Uint8Array | null;
}

/** A packet read from a stream. */
export interface ParsedQuorumAuthPacket extends QuorumAuthPacket {
  /** Bytes that it took. */
  readonly length: number;
}

const MAGIC_HIGH = 0x5f243501;
const MAGIC_LOW = 0x3501edcc;
const MAGIC: readonly number[] = [0x5f, 0x24, 0x35, 0x01, 0x35, 0x01, 0xed, 0xcc];
/** magic, status, length of the token. */
const HEADER_BYTES = 16;

/** The longest token that is taken from a peer that has not proved who it is; Kerberos tickets stay below 64 KiB. */
export const MAX_AUTH_TOKEN_BYTES = 65536;

export function encodeQuorumAuth({ status, token }: QuorumAuthPacket): Uint8Array {
  const out = new Writer(HEADER_BYTES + (token?.length ?? 0));
  out.longHalves(MAGIC_HIGH, MAGIC_LOW);
  out.int(status);
  out.buffer(token);
  return out.toBytes();
}

/**
 * Whether what has arrived begins an authentication; null while that cannot be told. The first byte that differs is
 * enough, so that a peer that does not authenticate is not waited for.
 */
export function beginsQuorumAuth(bytes: Uint8Array, start: number, end: number): boolean | null {
  const known = Math.min(end - start, MAGIC.length);
  for (let i = 0; i < known; i++) if (bytes[start + i] !== MAGIC[i]) return false;
  return known === MAGIC.length ? true : null;
}

/**
 * Reads the packet that begins at `start`; null while not all of it has arrived.
 *
 * @throws JuteError when it is no such packet ('malformed'), or its token's length is bad ('negative-length',
 *   'over-limit'): the connection is to be closed.
 */
export function parseQuorumAuth(bytes: Uint8Array, start: number, end: number): ParsedQuorumAuthPacket | null {
  const begins = beginsQuorumAuth(bytes, start, end);
  if (begins === false) throw new JuteError('malformed', 'the peer sent no authentication where one is expected');
  if (begins === null || end - start < HEADER_BYTES) return null;
  const input = new Reader(bytes, start + MAGIC.length, end);
  const status = input.int();
  if (!isStatus(status)) throw new JuteError('malformed', `${status} is no status of an authentication`);
  const tokenBytes = input.int();
  if (tokenBytes < -1) throw new JuteError('negative-length', `a token of ${tokenBytes} bytes in an authentication`);
  if (tokenBytes > MAX_AUTH_TOKEN_BYTES) {
    throw new JuteError('over-limit', `a token of ${tokenBytes} bytes, at most ${MAX_AUTH_TOKEN_BYTES} are allowed`);
  }
  if (tokenBytes === -1) return { status, token: null, length: HEADER_BYTES };
  if (input.remaining() < tokenBytes) return null;
  const token = bytes.slice(input.pos, input.pos + tokenBytes);
  return { status, token, length: HEADER_BYTES + tokenBytes };
}

function isStatus(status: number): status is QuorumAuthStatusNumber {
  return (
    status === QuorumAuthStatus.inProgress || status === QuorumAuthStatus.success || status === QuorumAuthStatus.error
  );
}
