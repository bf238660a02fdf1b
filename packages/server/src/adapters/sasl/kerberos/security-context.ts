import { timingSafeEqual } from 'node:crypto';
import { KerberosError, type KerberosKey } from './encryption.ts';

const TOKEN_ID = 0x0504;
const HEADER_BYTES = 16;
const FILLER = 0xff;
const Flag = { sentByAcceptor: 1, sealed: 2, acceptorKey: 4 } as const;
/** RFC 4121, 2. */
const Usage = { acceptorSeal: 22, initiatorSeal: 24 } as const;

/** An established context, in which both sides sign messages (RFC 4121, 4.2.6.2). Nothing is encrypted. */
export class SecurityContext {
  readonly #key: KerberosKey;
  readonly #isOwnKey: boolean;
  #sendSequence: number;
  #receiveSequence: number;

  /** `isOwnKey`: the key is one that this side, the acceptor, has chosen. */
  constructor(key: KerberosKey, isOwnKey: boolean, sendSequence: number, receiveSequence: number) {
    this.#key = key;
    this.#isOwnKey = isOwnKey;
    this.#sendSequence = sendSequence;
    this.#receiveSequence = receiveSequence;
  }

  wrap(message: Buffer): Buffer {
    const flags = Flag.sentByAcceptor | (this.#isOwnKey ? Flag.acceptorKey : 0);
    const header = headerOf(flags, 0, this.#sendSequence++);
    const checksum = this.#key.checksum(Usage.acceptorSeal, Buffer.concat([message, header]));
    return Buffer.concat([headerOf(flags, checksum.length, this.#sendSequence - 1), message, checksum]);
  }

  /** Throws `KerberosError` for what the other side of the context has not signed, as its next message. */
  unwrap(token: Uint8Array): Buffer {
    const bytes = Buffer.from(token);
    const { checksumBytes } = this.#key;
    if (bytes.length < HEADER_BYTES + checksumBytes || bytes.readUInt16BE(0) !== TOKEN_ID || bytes[3] !== FILLER) {
      throw new KerberosError('not a signed message');
    }
    const flags = bytes.readUInt8(2);
    if (flags !== (this.#isOwnKey ? Flag.acceptorKey : 0)) throw new KerberosError('a message that is not only signed');
    if (bytes.readUInt16BE(4) !== checksumBytes) throw new KerberosError('a signature of another length');
    const body = rotated(bytes.subarray(HEADER_BYTES), bytes.readUInt16BE(6));
    const message = body.subarray(0, body.length - checksumBytes);
    const sequence = bytes.readBigUInt64BE(8);
    const expected = this.#key.checksum(
      Usage.initiatorSeal,
      Buffer.concat([message, headerOf(flags, 0, Number(sequence & 0xffffffffn))]),
    );
    if (!timingSafeEqual(expected, body.subarray(message.length))) throw new KerberosError('a signature that is wrong');
    if (sequence !== BigInt(this.#receiveSequence)) throw new KerberosError('a message out of its turn');
    this.#receiveSequence++;
    return message;
  }
}

/** With what is signed the length of the signature and the rotation are 0. */
function headerOf(flags: number, checksumBytes: number, sequence: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(TOKEN_ID);
  header.writeUInt8(flags, 2);
  header.writeUInt8(FILLER, 3);
  header.writeUInt16BE(checksumBytes, 4);
  header.writeBigUInt64BE(BigInt(sequence), 8);
  return header;
}

/** Undoes a rotation to the right by `count` bytes. */
function rotated(bytes: Buffer, count: number): Buffer {
  const by = bytes.length === 0 ? 0 : count % bytes.length;
  return by === 0 ? bytes : Buffer.concat([bytes.subarray(by), bytes.subarray(0, by)]);
}
