import { KerberosKey } from '../../src/adapters/sasl/kerberos/encryption.ts';
import { tagged } from '../../src/adapters/sasl/kerberos/messages.ts';

/** What a played client and its key centre say; each part can be said otherwise. */
export interface Played {
  readonly service: string;
  readonly realm: string;
  readonly client: string;
  readonly clientRealm: string;
  /** Whom the client itself claims to be. */
  readonly claims: string;
  readonly ticketFlags: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly timeMs: number;
  readonly isMutual: boolean;
  readonly checksumType: number;
  readonly keyVersion: number;
  readonly sequence: number;
}

const CONTEXT = 0xa0;
const APPLICATION = 0x60;
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
const BIT_STRING = 0x03;
const STRING = 0x1b;
const TIME = 0x18;
const OID: Buffer = tagged(0x06, Buffer.from('2a864886f712010202', 'hex'));

export function keyOfType(type: number, byte: number): KerberosKey {
  return new KerberosKey(type, Buffer.alloc(type % 2 === 1 ? 16 : 32, byte));
}

/** The first token of a client that shows a ticket, of which `serviceKey` is the service's key and `subkey` the client's. */
export function firstToken(
  serviceKey: KerberosKey,
  sessionKey: KerberosKey,
  subkey: KerberosKey | null,
  said: Played,
): Buffer {
  const ticketPart = application(
    3,
    field(0, tagged(BIT_STRING, Buffer.from([0]), long(said.ticketFlags))),
    field(1, encodedKey(sessionKey)),
    field(2, string(said.clientRealm)),
    field(3, name(said.client)),
    field(4, sequence(field(0, integer(1)), field(1, tagged(OCTETS, Buffer.alloc(0))))),
    field(5, time(said.startMs)),
    field(6, time(said.startMs)),
    field(7, time(said.endMs)),
  );
  const flags = Buffer.alloc(24);
  flags.writeUInt32LE(16);
  flags.writeUInt32LE(said.isMutual ? 2 : 0, 20);
  const authenticator = application(
    2,
    field(0, integer(5)),
    field(1, string(said.clientRealm)),
    field(2, name(said.claims)),
    field(3, sequence(field(0, integer(said.checksumType)), field(1, tagged(OCTETS, flags)))),
    field(4, integer(123_456)),
    field(5, time(said.timeMs)),
    ...(subkey === null ? [] : [field(6, encodedKey(subkey))]),
    field(7, integer(said.sequence)),
  );
  const ticket = application(
    1,
    field(0, integer(5)),
    field(1, string(said.realm)),
    field(2, name(said.service)),
    field(3, encrypted(serviceKey, 2, ticketPart, said.keyVersion)),
  );
  const options = tagged(BIT_STRING, Buffer.from([0]), long(said.isMutual ? 1 << 29 : 0));
  const request = application(
    14,
    field(0, integer(5)),
    field(1, integer(14)),
    field(2, options),
    field(3, ticket),
    field(4, encrypted(sessionKey, 11, authenticator, null)),
  );
  return tagged(APPLICATION, OID, Buffer.from([1, 0]), request);
}

/** A signed message of the client's. */
export function signed(
  key: KerberosKey,
  hasAcceptorKey: boolean,
  sequenceNumber: number,
  message: Buffer,
  usage = 24,
): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16BE(0x0504);
  header.writeUInt8(hasAcceptorKey ? 4 : 0, 2);
  header.writeUInt8(0xff, 3);
  header.writeBigUInt64BE(BigInt(sequenceNumber), 8);
  const checksum = key.checksum(usage, Buffer.concat([message, header]));
  header.writeUInt16BE(checksum.length, 4);
  return Buffer.concat([header, message, checksum]);
}

function encrypted(key: KerberosKey, usage: number, part: Buffer, version: number | null): Buffer {
  const versionField = version === null ? [] : [field(1, integer(version))];
  return sequence(field(0, integer(key.type)), ...versionField, field(2, tagged(OCTETS, key.encrypt(usage, part))));
}

function encodedKey(key: KerberosKey): Buffer {
  return sequence(field(0, integer(key.type)), field(1, tagged(OCTETS, key.bytes)));
}

function application(number: number, ...fields: Buffer[]): Buffer {
  return tagged(APPLICATION | number, sequence(...fields));
}

function sequence(...fields: Buffer[]): Buffer {
  return tagged(SEQUENCE, ...fields);
}

function field(number: number, value: Buffer): Buffer {
  return tagged(CONTEXT | number, value);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeIntBE(value, 0, 5);
  return tagged(INTEGER, bytes);
}

function string(text: string): Buffer {
  return tagged(STRING, Buffer.from(text));
}

function name(text: string): Buffer {
  return sequence(field(0, integer(1)), field(1, sequence(...text.split('/').map(string))));
}

function time(ms: number): Buffer {
  return tagged(TIME, Buffer.from(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')));
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
