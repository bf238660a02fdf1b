import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * What Kerberos encrypts and signs with: AES in the profiles of RFC 3962 (SHA-1) and RFC 8009 (SHA-2). Older kinds, DES and
 * RC4, are not understood.
 */
interface Profile {
  readonly keyBytes: number;
  readonly hash: 'sha1' | 'sha256' | 'sha384';
  /** Bytes of a checksum. */
  readonly macBytes: number;
}

const PROFILES: ReadonlyMap<number, Profile> = new Map([
  [17, { keyBytes: 16, hash: 'sha1', macBytes: 12 }],
  [18, { keyBytes: 32, hash: 'sha1', macBytes: 12 }],
  [19, { keyBytes: 16, hash: 'sha256', macBytes: 16 }],
  [20, { keyBytes: 32, hash: 'sha384', macBytes: 24 }],
]);

const BLOCK = 16;
const ZERO_BLOCK: Buffer = Buffer.alloc(BLOCK);
/** The last byte of what a key is derived for. */
const FOR_ENCRYPTION = 0xaa;
const FOR_INTEGRITY = 0x55;
const FOR_CHECKSUM = 0x99;

/** A message of Kerberos is wrong, or not for this server; the message says how, and holds no secret. */
export class KerberosError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KerberosError';
  }
}

/** A key, and everything done with it. Usage numbers are those of RFC 4120, 7.5.1, and RFC 4121, 2. */
export class KerberosKey {
  readonly type: number;
  readonly #key: Buffer;
  readonly #profile: Profile;

  /** Throws `KerberosError` for a kind that is not understood. */
  constructor(type: number, key: Buffer) {
    const profile = PROFILES.get(type);
    if (profile === undefined)
      throw new KerberosError(`encryption type ${type} is not understood, only AES (17 to 20)`);
    if (key.length !== profile.keyBytes) throw new KerberosError(`a key of ${key.length} bytes for type ${type}`);
    this.type = type;
    this.#key = key;
    this.#profile = profile;
  }

  static isKnown(type: number): boolean {
    return PROFILES.has(type);
  }

  /** A new key of the same kind. */
  sibling(): KerberosKey {
    return new KerberosKey(this.type, randomBytes(this.#profile.keyBytes));
  }

  /** For the one whom it is sent to, encrypted. */
  get bytes(): Buffer {
    return this.#key;
  }

  get checksumBytes(): number {
    return this.#profile.macBytes;
  }

  encrypt(usage: number, plain: Buffer): Buffer {
    const whole = Buffer.concat([randomBytes(BLOCK), plain]);
    const encrypted = encryptCts(this.#derived(usage, FOR_ENCRYPTION), whole);
    return Buffer.concat([encrypted, this.#integrity(usage, whole, encrypted)]);
  }

  /** Throws `KerberosError` when the bytes were not encrypted with this key, for this usage. */
  decrypt(usage: number, bytes: Buffer): Buffer {
    const { macBytes } = this.#profile;
    if (bytes.length < BLOCK + macBytes) throw new KerberosError('an encrypted part that is too short');
    const encrypted = bytes.subarray(0, bytes.length - macBytes);
    const whole = decryptCts(this.#derived(usage, FOR_ENCRYPTION), encrypted);
    if (!timingSafeEqual(this.#integrity(usage, whole, encrypted), bytes.subarray(encrypted.length))) {
      throw new KerberosError('an encrypted part that was made with another key');
    }
    return whole.subarray(BLOCK);
  }

  checksum(usage: number, bytes: Buffer): Buffer {
    return this.#mac(this.#derived(usage, FOR_CHECKSUM), bytes);
  }

  /** RFC 3962 signs what is encrypted, RFC 8009 what has come of it. */
  #integrity(usage: number, whole: Buffer, encrypted: Buffer): Buffer {
    const signed = this.#profile.hash === 'sha1' ? whole : Buffer.concat([ZERO_BLOCK, encrypted]);
    return this.#mac(this.#derived(usage, FOR_INTEGRITY), signed);
  }

  #mac(key: Buffer, bytes: Buffer): Buffer {
    const { hash, macBytes } = this.#profile;
    return createHmac(hash, key).update(bytes).digest().subarray(0, macBytes);
  }

  #derived(usage: number, purpose: number): Buffer {
    const { keyBytes, hash, macBytes } = this.#profile;
    const label = Buffer.alloc(5);
    label.writeUInt32BE(usage);
    label[4] = purpose;
    if (hash === 'sha1') return deriveBySha1(this.#key, label, keyBytes);
    // RFC 8009, 3 and 5: keys for integrity are as long as what they make.
    const bytes = purpose === FOR_ENCRYPTION ? keyBytes : macBytes;
    const input = Buffer.alloc(14);
    input.writeUInt32BE(1);
    label.copy(input, 4);
    input.writeUInt32BE(bytes * 8, 10);
    return createHmac(hash, this.#key).update(input).digest().subarray(0, bytes);
  }
}

/** RFC 3961, 5.1 and 5.3. */
function deriveBySha1(key: Buffer, constant: Buffer, bytes: number): Buffer {
  const blocks: Buffer[] = [];
  let block = nFold(constant, BLOCK);
  for (let made = 0; made < bytes; made += BLOCK) {
    block = aes(key, block, true);
    blocks.push(block);
  }
  return Buffer.concat(blocks).subarray(0, bytes);
}

/** RFC 3961, 5.1: stretches or folds bytes to another length. */
export function nFold(input: Uint8Array, length: number): Buffer {
  const size = input.length;
  const bits = size * 8;
  const folded = Buffer.alloc(length);
  let carry = 0;
  for (let i = leastCommonMultiple(size, length) - 1; i >= 0; i--) {
    const highest = (bits - 1 + (bits + 13) * Math.floor(i / size) + (size - (i % size)) * 8) % bits;
    const left = input[(size - 1 - (highest >>> 3) + size) % size] ?? 0;
    const right = input[(size - (highest >>> 3)) % size] ?? 0;
    carry += (((left << 8) | right) >>> ((highest & 7) + 1)) & 0xff;
    carry += folded[i % length] ?? 0;
    folded[i % length] = carry & 0xff;
    carry >>>= 8;
  }
  for (let i = length - 1; carry > 0 && i >= 0; i--) {
    carry += folded[i] ?? 0;
    folded[i] = carry & 0xff;
    carry >>>= 8;
  }
  return folded;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

/** CBC with ciphertext stealing, the last two blocks always exchanged (RFC 3962, 5). One block at least. */
function encryptCts(key: Buffer, plain: Buffer): Buffer {
  const rest = plain.length % BLOCK;
  const padded = rest === 0 ? plain : Buffer.concat([plain, Buffer.alloc(BLOCK - rest)]);
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, ZERO_BLOCK).setAutoPadding(false);
  const encrypted = Buffer.concat([cipher.update(padded), cipher.final()]);
  if (encrypted.length === BLOCK) return encrypted;
  const end = encrypted.length;
  const head = encrypted.subarray(0, end - 2 * BLOCK);
  const beforeLast = encrypted.subarray(end - 2 * BLOCK, end - BLOCK);
  return Buffer.concat([head, encrypted.subarray(end - BLOCK), beforeLast]).subarray(0, plain.length);
}

function decryptCts(key: Buffer, encrypted: Buffer): Buffer {
  if (encrypted.length === BLOCK) return aes(key, encrypted, false);
  const lastBytes = encrypted.length % BLOCK || BLOCK;
  const end = encrypted.length - lastBytes;
  const last = encrypted.subarray(end);
  const opened = aes(key, encrypted.subarray(end - BLOCK, end), false);
  const stolen = Buffer.concat([last, opened.subarray(lastBytes)]);
  const tail = opened.subarray(0, lastBytes).map((byte, i) => byte ^ (last[i] ?? 0));
  const head = Buffer.concat([encrypted.subarray(0, end - BLOCK), stolen]);
  const decipher = createDecipheriv(`aes-${key.length * 8}-cbc`, key, ZERO_BLOCK).setAutoPadding(false);
  return Buffer.concat([decipher.update(head), decipher.final(), tail]);
}

/** One block, or several, each by itself. */
function aes(key: Buffer, block: Buffer, encrypts: boolean): Buffer {
  const name = `aes-${key.length * 8}-ecb`;
  const cipher = encrypts ? createCipheriv(name, key, null) : createDecipheriv(name, key, null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}
