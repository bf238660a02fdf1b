import { JuteError } from '../bytes/jute-error.ts';
import { Reader } from '../bytes/reader.ts';
import { decodeUtf8, utf8Length } from '../bytes/utf8.ts';
import { Writer } from '../bytes/writer.ts';

/** First words of the initial message: with one address, or with several. The older form begins with the sid itself. */
export const InitialMessageVersion = { oneAddress: -65536, severalAddresses: -65535 } as const;

/** The sid of an observer that has none: 2^63 - 1 on the wire, which a double rounds to this. */
export const ANONYMOUS_SID: number = 2 ** 63;

/** A host name or a literal address without brackets, and a port. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** What the opener of an election connection says of itself, once (election-protocol reference, section 2.3). */
export interface InitialMessage {
  /** Server id of the opener. */
  readonly sid: number;
  /** Where the opener can be reached for elections; empty in the older form, or when it named wildcards only. */
  readonly addresses: readonly PeerAddress[];
  /** Bytes that the message took. */
  readonly length: number;
}

const SID_BYTES = 8;
const HEADER_BYTES = 20;
const MAX_TEXT_BYTES = 2048;
const LARGEST_PORT = 65535;

/**
 * The initial message: with the first address, or with all of them when `several` is set, which only servers of 3.6 and
 * later understand.
 *
 * @throws JuteError 'over-limit' when there is no address, or the addresses take more than 2048 bytes.
 */
export function encodeInitialMessage(sid: number, addresses: readonly PeerAddress[], several: boolean): Uint8Array {
  const text = (several ? addresses : addresses.slice(0, 1)).map(formatAddress).join('|');
  checkTextLength(utf8Length(text));
  const out = new Writer(HEADER_BYTES + text.length);
  out.long(several ? InitialMessageVersion.severalAddresses : InitialMessageVersion.oneAddress);
  out.long(sid);
  out.string(text);
  return out.toBytes();
}

/**
 * Reads the initial message that begins at `start`; null while not all of it has arrived. All three forms are accepted,
 * several addresses in any of the newer two, as Apache's server does. Wildcard addresses are left out.
 *
 * @throws JuteError 'malformed' or 'over-limit': the connection is to be closed.
 */
export function parseInitialMessage(bytes: Uint8Array, start: number, end: number): InitialMessage | null {
  if (end - start < SID_BYTES) return null;
  const input = new Reader(bytes, start, end);
  const first = input.long();
  if (first >= 0) return { sid: first, addresses: [], length: SID_BYTES };
  if (first !== InitialMessageVersion.oneAddress && first !== InitialMessageVersion.severalAddresses) {
    throw new JuteError('malformed', `an initial message of version ${first}`);
  }
  if (end - start < HEADER_BYTES) return null;
  const sid = input.long();
  const textBytes = input.int();
  checkTextLength(textBytes);
  if (input.remaining() < textBytes) return null;
  const text = decodeUtf8(bytes, input.pos, input.pos + textBytes);
  const addresses = text.split('|').map(parseAddress);
  return { sid, addresses: addresses.filter(({ host }) => !isWildcard(host)), length: HEADER_BYTES + textBytes };
}

function checkTextLength(length: number): void {
  if (length >= 1 && length <= MAX_TEXT_BYTES) return;
  throw new JuteError(
    'over-limit',
    `${length} bytes of addresses in an initial message, 1 to ${MAX_TEXT_BYTES} are allowed`,
  );
}

function formatAddress({ host, port }: PeerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseAddress(text: string): PeerAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > LARGEST_PORT) {
    throw new JuteError('malformed', `"${text}" in an initial message is no address with a port`);
  }
  return { host, port };
}

/** 0.0.0.0 and :: in all their spellings, which name no host that could be connected to. */
function isWildcard(host: string): boolean {
  return /^[0:.]+$/.test(host);
}
