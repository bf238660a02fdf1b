import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { unguessableBytes } from '../adapters/system/unguessable.ts';
import { BackupError } from './backup-error.ts';

/** Least bytes of key material. */
const MIN_KEY_BYTES = 32;
/** Plain bytes of every frame but the last. */
const FRAME_BYTES = 65_536;
const TAG_BYTES = 16;
const SALT_BYTES = 16;
/** "HKE1", then the object's salt. */
const MAGIC: Buffer = Buffer.from('HKE1', 'latin1');
const HEADER_BYTES: number = MAGIC.length + SALT_BYTES;

/** The secret that a backup is encrypted with. It never appears in messages. */
export class BackupKey {
  readonly #material: Uint8Array;

  /** `material`: at least 32 bytes that nobody can guess. */
  constructor(material: Uint8Array) {
    if (material.length < MIN_KEY_BYTES) throw new RangeError(`a backup key has at least ${MIN_KEY_BYTES} bytes`);
    this.#material = material.slice();
  }

  /** A key for one purpose in one backup (HKDF with SHA-256). */
  derive(salt: Uint8Array, purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#material, salt, `headkeeper backup ${purpose}`, 32));
  }
}

/**
 * Reads a key file: hexadecimal or base64 text that stands for at least 32 bytes, or else the bytes of the file themselves, at
 * least 32. White space around a text does not count. Throws BackupError.
 */
export async function readKeyFile(file: string): Promise<BackupKey> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new BackupError('wrong-key', null, `The key file cannot be read: ${(error as Error).message}`, error);
  }
  const material = keyMaterial(bytes);
  if (material.length < MIN_KEY_BYTES) {
    throw new BackupError(
      'wrong-key',
      null,
      `The key file ${file} holds ${material.length} bytes of key; at least ${MIN_KEY_BYTES} are needed. ` +
        'Make one with: openssl rand -hex 32',
    );
  }
  return new BackupKey(material);
}

function keyMaterial(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').trim();
  if (/^(?:[0-9a-fA-F]{2}){32,}$/.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/_-]{43,}={0,2}$/.test(text)) return Buffer.from(text, 'base64');
  return bytes;
}

/** What the head of an encrypted backup says about its encryption. */
export interface EncryptionFacts {
  readonly algorithm: 'aes-256-gcm';
  /** 16 bytes, hexadecimal; part of every key that is derived. */
  readonly salt: string;
  /** Proves that a key is the right one without showing it: HMAC-SHA256 of the repository's id, hexadecimal. */
  readonly keyCheck: string;
}

/** Encrypts and decrypts the objects of one backup, and seals its manifests. */
export class BackupCipher {
  readonly #key: BackupKey;
  readonly #salt: Buffer;
  readonly #sealKey: Buffer;

  constructor(key: BackupKey, facts: Pick<EncryptionFacts, 'salt'>) {
    this.#key = key;
    this.#salt = Buffer.from(facts.salt, 'hex');
    this.#sealKey = key.derive(this.#salt, 'manifest');
  }

  /** What a new backup's head is to say. */
  static factsFor(key: BackupKey, repositoryId: string): EncryptionFacts {
    const salt = unguessableBytes(SALT_BYTES).toString('hex');
    return { algorithm: 'aes-256-gcm', salt, keyCheck: keyCheck(key, salt, repositoryId) };
  }

  /** Whether this is the key that the backup was made with. */
  static fits(key: BackupKey, facts: EncryptionFacts, repositoryId: string): boolean {
    return sameHex(keyCheck(key, facts.salt, repositoryId), facts.keyCheck);
  }

  /** HMAC-SHA256 over an object's name and text: nobody without the key can make, change or exchange a manifest. */
  seal(object: string, text: string): string {
    return createHmac('sha256', this.#sealKey).update(`${object}\n`).update(text).digest('hex');
  }

  isSeal(object: string, text: string, seal: string): boolean {
    return sameHex(this.seal(object, text), seal);
  }

  /**
   * "HKE1", 16 bytes of salt, then frames: 4 bytes length (big endian), so many bytes of AES-256-GCM, 16 bytes of tag. The
   * nonce is the frame's number (11 bytes) and 1 for the last frame, else 0; the associated data is the object's name. So
   * frames cannot be moved, left out or carried to another object, and the end cannot be cut off.
   */
  async *encrypt(object: string, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const salt = unguessableBytes(SALT_BYTES);
    yield Buffer.concat([MAGIC, salt]);
    const frames = new FrameCipher(this.#objectKey(salt), object);
    let waiting = Buffer.alloc(0);
    for await (const chunk of plain) {
      waiting = waiting.length === 0 ? Buffer.from(chunk) : Buffer.concat([waiting, chunk]);
      let at = 0;
      // A whole frame may be the last one: it waits until more has come.
      for (; waiting.length - at > FRAME_BYTES; at += FRAME_BYTES) {
        yield frames.encrypt(waiting.subarray(at, at + FRAME_BYTES), false);
      }
      waiting = waiting.subarray(at);
    }
    yield frames.encrypt(waiting, true);
  }

  /** The reverse of `encrypt`. Throws BackupError 'damaged'; what was yielded before was genuine. */
  async *decrypt(object: string, stored: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let waiting = Buffer.alloc(0);
    let frames: FrameCipher | null = null;
    /** The last frame seen; whether it is the very last shows when nothing follows. */
    let held: Buffer | null = null;
    for await (const chunk of stored) {
      waiting = waiting.length === 0 ? Buffer.from(chunk) : Buffer.concat([waiting, chunk]);
      if (frames === null) {
        if (waiting.length < HEADER_BYTES) continue;
        if (!waiting.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged(object, 'it does not begin like one');
        frames = new FrameCipher(this.#objectKey(waiting.subarray(MAGIC.length, HEADER_BYTES)), object);
        waiting = waiting.subarray(HEADER_BYTES);
      }
      for (;;) {
        if (waiting.length < 4) break;
        const length = waiting.readUInt32BE(0);
        if (length > FRAME_BYTES) throw damaged(object, `a frame of ${length} bytes cannot be`);
        const end = 4 + length + TAG_BYTES;
        if (waiting.length < end) break;
        if (held !== null) yield frames.decrypt(held, false);
        held = waiting.subarray(4, end);
        waiting = waiting.subarray(end);
      }
    }
    if (frames === null || held === null || waiting.length > 0) throw damaged(object, 'it is cut short');
    yield frames.decrypt(held, true);
  }

  #objectKey(salt: Uint8Array): Buffer {
    return this.#key.derive(Buffer.concat([this.#salt, salt]), 'object');
  }
}

class FrameCipher {
  readonly #key: Buffer;
  readonly #object: string;
  readonly #name: Buffer;
  #frame = 0;

  constructor(key: Buffer, object: string) {
    this.#key = key;
    this.#object = object;
    this.#name = Buffer.from(object, 'utf8');
  }

  encrypt(plain: Uint8Array, last: boolean): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#nonce(last));
    cipher.setAAD(this.#name);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(plain.length);
    return Buffer.concat([length, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  decrypt(frame: Buffer, last: boolean): Buffer {
    const number = this.#frame;
    const body = frame.subarray(0, frame.length - TAG_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, this.#nonce(last), { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#name);
    decipher.setAuthTag(frame.subarray(body.length));
    const plain = decipher.update(body);
    try {
      decipher.final();
    } catch (error) {
      throw damaged(this.#object, `frame ${number} was changed, cut off, or belongs elsewhere`, error);
    }
    return plain;
  }

  #nonce(last: boolean): Buffer {
    const nonce = Buffer.alloc(12);
    nonce.writeUIntBE(this.#frame++, 5, 6);
    nonce[11] = last ? 1 : 0;
    return nonce;
  }
}

function keyCheck(key: BackupKey, salt: string, repositoryId: string): string {
  return createHmac('sha256', key.derive(Buffer.from(salt, 'hex'), 'key check'))
    .update(repositoryId)
    .digest('hex');
}

function sameHex(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
}

function damaged(object: string, what: string, cause?: unknown): BackupError {
  return new BackupError('damaged', object, `${object} cannot be decrypted: ${what}.`, cause);
}
