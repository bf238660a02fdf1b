import { createHash } from 'node:crypto';
import { DerError, DerReader, DerTag } from './der-reader.ts';

const MAGIC = 0xfeedfeed;
const KEY_ENTRY = 1;
const CERTIFICATE_ENTRY = 2;
const DIGEST_BYTES = 20;
const SALT_BYTES = 20;
/** More entries than anybody has; a damaged count must not make us look for more. */
const MOST_ENTRIES = 100_000;
/** Sun's own way of encrypting keys in such a store. */
const KEY_PROTECTOR = '1.3.6.1.4.1.42.2.17.1.1';
/** Hashed between the password and the contents, as the format has it. */
const WHITENER = 'Mighty Aphrodite';

/** A JKS file cannot be used; the message says what to do about it. */
export class JksError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JksError';
  }
}

export interface JksKey {
  readonly alias: string;
  /** The key, PKCS8 in DER. */
  readonly key: Buffer;
  /** Its certificates in DER, its own first. */
  readonly chain: readonly Buffer[];
}

/** What a JKS file holds. */
export interface JksStore {
  readonly keys: readonly JksKey[];
  /** Trusted certificates in DER. */
  readonly certificates: readonly Buffer[];
}

/** Whether the file begins as a JKS store does. */
export function isJks(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === MAGIC;
}

/**
 * Reads a store of Java's kind JKS, version 1 or 2: entries, and behind them a SHA-1 digest of password and entries, which is
 * checked before anything else. Keys must have the store's password. The format is that of OpenJDK's JavaKeyStore and
 * KeyProtector.
 *
 * @throws JksError
 */
export function readJks(bytes: Buffer, password: string): JksStore {
  const secret = Buffer.from(password, 'utf16le').swap16();
  const end = bytes.length - DIGEST_BYTES;
  if (!isJks(bytes) || end < 12) throw new JksError('no JKS store, or cut off');
  const digest = createHash('sha1').update(secret).update(WHITENER).update(bytes.subarray(0, end)).digest();
  if (!digest.equals(bytes.subarray(end))) throw new JksError('the password is wrong, or the file is damaged');
  const reader = new JksReader(bytes.subarray(0, end));
  reader.int();
  const version = reader.int();
  if (version !== 1 && version !== 2) throw new JksError(`version ${version} of the format is not known`);
  const count = reader.int();
  if (count > MOST_ENTRIES) throw new JksError(`it claims to have ${count} entries`);
  const keys: JksKey[] = [];
  const certificates: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const kind = reader.int();
    const alias = reader.text();
    reader.skip(8);
    if (kind === CERTIFICATE_ENTRY) certificates.push(certificate(reader, version));
    else if (kind === KEY_ENTRY) {
      const protectedKey = reader.bytes(reader.int());
      const chain: Buffer[] = [];
      for (let left = reader.int(); left > 0; left--) chain.push(certificate(reader, version));
      keys.push({ alias, key: decryptKey(protectedKey, secret, alias), chain });
    } else throw new JksError(`an entry of kind ${kind}`);
  }
  return { keys, certificates };
}

function certificate(reader: JksReader, version: number): Buffer {
  if (version === 2) {
    const kind = reader.text();
    if (kind !== 'X.509') throw new JksError(`a certificate of kind ${JSON.stringify(kind)}`);
  }
  return reader.bytes(reader.int());
}

/** A salt, the key XORed with a chain of digests of password and salt, and a digest that tells a wrong password. */
function decryptKey(bytes: Buffer, secret: Buffer, alias: string): Buffer {
  const data = protectedData(bytes, alias);
  if (data.length < SALT_BYTES + DIGEST_BYTES) throw new JksError(`the key of ${JSON.stringify(alias)} is cut off`);
  const encrypted = data.subarray(SALT_BYTES, data.length - DIGEST_BYTES);
  const key = Buffer.alloc(encrypted.length);
  let pad = data.subarray(0, SALT_BYTES);
  for (let at = 0; at < key.length; at++) {
    if (at % DIGEST_BYTES === 0) pad = createHash('sha1').update(secret).update(pad).digest();
    key[at] = (encrypted[at] as number) ^ (pad[at % DIGEST_BYTES] as number);
  }
  const check = createHash('sha1').update(secret).update(key).digest();
  if (!check.equals(data.subarray(data.length - DIGEST_BYTES))) {
    throw new JksError(
      `the key of ${JSON.stringify(alias)} has another password than the store: give it the same by keytool -keypasswd`,
    );
  }
  return key;
}

function protectedData(bytes: Buffer, alias: string): Buffer {
  try {
    const info = new DerReader(bytes).into(DerTag.sequence);
    const scheme = info.into(DerTag.sequence).oid();
    if (scheme !== KEY_PROTECTOR) throw new JksError(`the key of ${JSON.stringify(alias)} is encrypted by ${scheme}`);
    return info.take(DerTag.octets);
  } catch (error) {
    if (error instanceof DerError) throw new JksError(`the key of ${JSON.stringify(alias)}: ${error.message}`);
    throw error;
  }
}

/** Reads what Java's DataOutputStream has written. */
class JksReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int(): number {
    return this.bytes(4).readUInt32BE(0);
  }

  text(): string {
    return this.bytes(this.bytes(2).readUInt16BE(0)).toString('utf8');
  }

  skip(count: number): void {
    this.bytes(count);
  }

  bytes(count: number): Buffer {
    const from = this.#at;
    if (count > this.#bytes.length - from) throw new JksError('it is cut off');
    this.#at += count;
    return this.#bytes.subarray(from, this.#at);
  }
}
