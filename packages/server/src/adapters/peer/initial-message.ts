import { decodeUtf8, Reader, Writer } from '@headkeeper/protocol';
import type { Endpoint } from '../../ports.ts';
import { PeerProtocolError } from './peer-protocol-error.ts';

const LONG_BYTES = 8;
/** Version, sid and length of the text. */
const HEADER_BYTES = 20;
const VERSION_1 = -65536;
const VERSION_2 = -65535;
const MAX_TEXT_BYTES = 2048;
const SEPARATOR = '|';

/** What a server says first on an election connection (election-protocol reference, 2.3). */
export interface InitialMessage {
  readonly sid: number;
  /** Its own election addresses, without wildcards; empty: it named none. */
  readonly addresses: readonly Endpoint[];
  /** Bytes that the message takes. */
  readonly length: number;
}

/** The message of this server: version 2, with all addresses, or version 1 with the first. */
export function writeInitialMessage(sid: number, own: readonly Endpoint[], isVersion2: boolean): Uint8Array {
  const out = new Writer(64);
  out.long(isVersion2 ? VERSION_2 : VERSION_1);
  out.long(sid);
  out.string((isVersion2 ? own : own.slice(0, 1)).map(addressText).join(SEPARATOR));
  return out.toBytes();
}

/**
 * Reads the message that begins at `start`; null: not all of it has come. Throws `PeerProtocolError` when it is none.
 */
export function parseInitialMessage(bytes: Uint8Array, start: number, end: number): InitialMessage | null {
  if (end - start < LONG_BYTES) return null;
  const reader = new Reader(bytes, start, end);
  const version = reader.long();
  // Servers of 3.4 say only who they are.
  if (version >= 0) return { sid: version, addresses: [], length: LONG_BYTES };
  if (version !== VERSION_1 && version !== VERSION_2) {
    throw new PeerProtocolError(`an initial message of version ${version}`);
  }
  if (reader.remaining() < HEADER_BYTES - LONG_BYTES) return null;
  const sid = reader.long();
  const textBytes = reader.int();
  if (textBytes < 1 || textBytes > MAX_TEXT_BYTES) throw new PeerProtocolError(`an address of ${textBytes} bytes`);
  if (reader.remaining() < textBytes) return null;
  const text = decodeUtf8(bytes, reader.pos, reader.pos + textBytes);
  const addresses = (version === VERSION_2 ? text.split(SEPARATOR) : [text]).map(parseAddress);
  return { sid, addresses: addresses.filter((at) => !isWildcard(at.host)), length: HEADER_BYTES + textBytes };
}

function addressText({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseAddress(text: string): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s[\]:|]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new PeerProtocolError(`${JSON.stringify(text.slice(0, 100))} is no address`);
  }
  return { host, port };
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}
