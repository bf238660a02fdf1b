import { createHash } from 'node:crypto';
import { BackupError } from './backup-error.ts';
import type { BackupCipher } from './encryption.ts';
import { FORMAT_VERSION } from './manifest.ts';

/** The fields of a head or manifest as its text has them. */
export type JsonFields = Readonly<Record<string, unknown>>;

const CHECKSUM_LINE = /\n {2}"checksum": "([0-9a-f]{64})"\n\}\n$/;
const MAC_LINE = /\n {2}"mac": "([0-9a-f]{64})",$/;

/**
 * The text of a small object: JSON, every field on lines of its own. The last line but one is a checksum, the SHA-256 of all
 * bytes before that line; with a cipher the line before is a seal over the object's name and all bytes before that line.
 */
export function encodeSealed(object: string, fields: JsonFields, cipher: BackupCipher | null): Uint8Array {
  const json = JSON.stringify({ ...fields, last: 0 }, null, 2);
  let text = json.slice(0, json.lastIndexOf('  "last"'));
  if (cipher !== null) text += `  "mac": "${cipher.seal(object, text)}",\n`;
  return Buffer.from(`${text}  "checksum": "${sha256(text)}"\n}\n`, 'utf8');
}

/**
 * Reads what `encodeSealed` made. Throws BackupError: 'newer-format' when the text says so, 'damaged' when it is half written
 * or changed, or when it has no seal although the backup is encrypted.
 */
export function decodeSealed(object: string, bytes: Uint8Array, cipher: BackupCipher | null): JsonFields {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const fields = parse(text);
  if (fields !== null) requireKnownFormat(object, fields.format);
  const checksum = CHECKSUM_LINE.exec(text);
  if (fields === null || checksum === null) throw damaged(object, 'it is half written, or is no such file');
  const covered = text.slice(0, checksum.index + 1);
  if (sha256(covered) !== checksum[1]) throw damaged(object, 'its checksum does not match');
  if (cipher !== null) requireSeal(object, covered, cipher);
  return fields;
}

function requireSeal(object: string, covered: string, cipher: BackupCipher): void {
  const mac = MAC_LINE.exec(covered.slice(0, -1));
  if (mac === null || !cipher.isSeal(object, covered.slice(0, mac.index + 1), mac[1] ?? '')) {
    throw damaged(object, 'its seal does not match: it was changed, moved, or made without the key');
  }
}

function parse(text: string): JsonFields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonFields) : null;
  } catch {
    return null;
  }
}

function requireKnownFormat(object: string, format: unknown): void {
  if (typeof format !== 'number' || format <= FORMAT_VERSION) return;
  throw new BackupError(
    'newer-format',
    object,
    `${object} was made by a newer release: format ${format}, this one reads up to ${FORMAT_VERSION}. ` +
      'Use that release, or a newer one.',
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function damaged(object: string, what: string): BackupError {
  return new BackupError('damaged', object, `${object} does not count: ${what}.`);
}
