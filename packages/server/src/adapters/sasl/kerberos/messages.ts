import { DerError, DerReader, DerTag } from '../../tls/der-reader.ts';
import { KerberosError, KerberosKey } from './encryption.ts';

/** What is encrypted, and how (RFC 4120, 5.2.9). */
export interface EncryptedData {
  readonly type: number;
  readonly keyVersion: number | null;
  readonly cipher: Buffer;
}

/** A client's request (RFC 4120, 5.5.1): a ticket for this service, and proof that it is the client's. */
export interface ApRequest {
  readonly isMutual: boolean;
  /** `service/host@REALM`, for which the ticket is. */
  readonly service: string;
  readonly ticket: EncryptedData;
  readonly authenticator: EncryptedData;
}

/** What the realm says in a ticket (RFC 4120, 5.3). Times in milliseconds. */
export interface Ticket {
  readonly flags: number;
  readonly key: KerberosKey;
  readonly client: string;
  readonly realm: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** The client's proof (RFC 4120, 5.5.1). */
export interface Authenticator {
  readonly client: string;
  readonly checksumType: number;
  readonly checksum: Buffer;
  readonly timeMs: number;
  /** As they were sent: they go back to the client. */
  readonly ctime: Buffer;
  readonly microseconds: number;
  readonly key: KerberosKey | null;
  readonly sequence: number;
}

const KERBEROS_VERSION = 5;
const AP_REQUEST = 14;
const AP_REPLY = 15;
const APPLICATION = 0x60;
const CONTEXT = 0xa0;
const BIT_STRING = 0x03;
const GENERAL_STRING = 0x1b;
const GENERALIZED_TIME = 0x18;
/** Bit 2 of the options of a request. */
const MUTUAL_REQUIRED = 1 << 29;

/** Throws `KerberosError` for what is no request. */
export function readApRequest(bytes: Buffer): ApRequest {
  return parsed(() => {
    const fields = new Fields(new DerReader(bytes).into(APPLICATION | 14));
    if (fields.must(0).integer() !== KERBEROS_VERSION || fields.must(1).integer() !== AP_REQUEST) {
      throw new KerberosError('not a request of Kerberos 5');
    }
    const isMutual = (bits(fields.must(2)) & MUTUAL_REQUIRED) !== 0;
    const ticket = new Fields(fields.must(3).into(APPLICATION | 1));
    const realm = text(ticket.must(1));
    const service = `${name(ticket.must(2))}@${realm}`;
    return { isMutual, service, ticket: encrypted(ticket.must(3)), authenticator: encrypted(fields.must(4)) };
  });
}

export function readTicket(bytes: Buffer): Ticket {
  return parsed(() => {
    const fields = new Fields(new DerReader(bytes).into(APPLICATION | 3));
    const flags = bits(fields.must(0));
    const key = keyOf(fields.must(1));
    const realm = text(fields.must(2));
    const client = `${name(fields.must(3))}@${realm}`;
    const authenticatedMs = time(fields.must(5));
    const start = fields.maybe(6);
    const startMs = start === null ? authenticatedMs : time(start);
    return { flags, key, client, realm, startMs, endMs: time(fields.must(7)) };
  });
}

export function readAuthenticator(bytes: Buffer): Authenticator {
  return parsed(() => {
    const fields = new Fields(new DerReader(bytes).into(APPLICATION | 2));
    const realm = text(fields.must(1));
    const client = `${name(fields.must(2))}@${realm}`;
    const checksum = new Fields(fields.must(3));
    const checksumType = checksum.must(0).integer();
    const checksumBytes = checksum.must(1).take(DerTag.octets);
    const microseconds = fields.must(4).integer();
    const ctime = fields.must(5).take(GENERALIZED_TIME);
    const key = fields.maybe(6);
    const sequence = fields.maybe(7);
    return {
      client,
      checksumType,
      checksum: checksumBytes,
      timeMs: timeOf(ctime) + Math.floor(microseconds / 1000),
      ctime,
      microseconds,
      key: key === null ? null : keyOf(key),
      // Some write the upper half of the numbers as negative ones.
      sequence: sequence === null ? 0 : sequence.integer() >>> 0,
    };
  });
}

/** The encrypted part of an answer (RFC 4120, 5.5.2), with a key and a first sequence number of this side. */
export function writeApReplyPart(authenticator: Authenticator, key: KerberosKey, sequence: number): Buffer {
  return tagged(
    APPLICATION | 27,
    tagged(
      DerTag.sequence,
      field(0, tagged(GENERALIZED_TIME, authenticator.ctime)),
      field(1, integer(authenticator.microseconds)),
      field(2, tagged(DerTag.sequence, field(0, integer(key.type)), field(1, tagged(DerTag.octets, key.bytes)))),
      field(3, integer(sequence)),
    ),
  );
}

export function writeApReply(type: number, cipher: Buffer): Buffer {
  const encryptedPart = tagged(DerTag.sequence, field(0, integer(type)), field(2, tagged(DerTag.octets, cipher)));
  const fields = [field(0, integer(KERBEROS_VERSION)), field(1, integer(AP_REPLY)), field(2, encryptedPart)];
  return tagged(APPLICATION | AP_REPLY, tagged(DerTag.sequence, ...fields));
}

/** The fields of a sequence, each in a tag with its number. */
class Fields {
  readonly #reader: DerReader;

  constructor(outer: DerReader) {
    this.#reader = outer.into(DerTag.sequence);
  }

  /** The field of this number; those before it are passed over. */
  maybe(number: number): DerReader | null {
    while (!this.#reader.isAtEnd && this.#reader.nextTag < (CONTEXT | number)) this.#reader.any();
    return this.#reader.nextTag === (CONTEXT | number) ? this.#reader.into(CONTEXT | number) : null;
  }

  must(number: number): DerReader {
    const found = this.maybe(number);
    if (found === null) throw new KerberosError(`a message without its field ${number}`);
    return found;
  }
}

function parsed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) throw new KerberosError(`a message that cannot be read: ${error.message}`);
    throw error;
  }
}

/** The first 32 bits of a bit string. */
function bits(reader: DerReader): number {
  const bytes = reader.take(BIT_STRING);
  return bytes.length < 5 ? 0 : bytes.readInt32BE(1);
}

function text(reader: DerReader): string {
  return reader.take(GENERAL_STRING).toString('utf8');
}

function name(reader: DerReader): string {
  const parts = new Fields(reader).must(1).into(DerTag.sequence);
  const names: string[] = [];
  while (!parts.isAtEnd) names.push(text(parts));
  // A part that looks like more than one would be taken for somebody else.
  if (names.length === 0 || names.some((part) => /[/@\\\0]/.test(part))) throw new KerberosError('a name of odd parts');
  return names.join('/');
}

function encrypted(reader: DerReader): EncryptedData {
  const fields = new Fields(reader);
  const type = fields.must(0).integer();
  const version = fields.maybe(1);
  const keyVersion = version === null ? null : version.integer() >>> 0;
  return { type, keyVersion, cipher: fields.must(2).take(DerTag.octets) };
}

function keyOf(reader: DerReader): KerberosKey {
  const fields = new Fields(reader);
  return new KerberosKey(fields.must(0).integer(), fields.must(1).take(DerTag.octets));
}

function time(reader: DerReader): number {
  return timeOf(reader.take(GENERALIZED_TIME));
}

/** `YYYYMMDDHHMMSSZ` */
function timeOf(bytes: Buffer): number {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(bytes.toString('latin1'));
  if (match === null) throw new KerberosError('a time that cannot be read');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function field(number: number, value: Buffer): Buffer {
  return tagged(CONTEXT | number, value);
}

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeIntBE(value, 0, 6);
  let from = 0;
  while (from < 5 && bytes[from] === 0 && (bytes[from + 1] ?? 0) < 0x80) from++;
  return tagged(DerTag.integer, bytes.subarray(from));
}

/** A value of DER. */
export function tagged(tag: number, ...contents: Buffer[]): Buffer {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 0xff);
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from(head), ...contents]);
}
