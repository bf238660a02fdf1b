import { unguessableBytes } from '../adapters/system/unguessable.ts';
import { BackupError } from './backup-error.ts';
import { BackupCipher, type BackupKey, type EncryptionFacts } from './encryption.ts';
import { FieldReader } from './field-reader.ts';
import { FORMAT_VERSION } from './manifest.ts';
import { HEAD_OBJECT } from './naming.ts';
import { decodeSealed, encodeSealed } from './sealed-json.ts';

/** What the object `headkeeper-backup.json` says about the whole backup. */
export interface BackupHead {
  readonly format: number;
  /** 32 random hexadecimal digits. */
  readonly id: string;
  /** Epoch milliseconds, by the clock of whoever made it. */
  readonly createdMs: number;
  /** Null when nothing in it is encrypted. */
  readonly encryption: EncryptionFacts | null;
}

export function newHead(key: BackupKey | null, nowMs: number): BackupHead {
  const id = unguessableBytes(16).toString('hex');
  const encryption = key === null ? null : BackupCipher.factsFor(key, id);
  return { format: FORMAT_VERSION, id, createdMs: nowMs, encryption };
}

export function encodeHead(head: BackupHead): Uint8Array {
  return encodeSealed(HEAD_OBJECT, { kind: 'head', ...head }, null);
}

/** Throws BackupError: 'newer-format' or 'damaged'. */
export function decodeHead(bytes: Uint8Array): BackupHead {
  const fields = new FieldReader(HEAD_OBJECT, decodeSealed(HEAD_OBJECT, bytes, null));
  fields.oneOf('kind', ['head']);
  const encryption = fields.insideOrNull('encryption');
  return {
    format: fields.count('format'),
    id: fields.text('id'),
    createdMs: fields.time('createdMs'),
    encryption:
      encryption === null
        ? null
        : {
            algorithm: encryption.oneOf('algorithm', ['aes-256-gcm']),
            salt: encryption.text('salt'),
            keyCheck: encryption.text('keyCheck'),
          },
  };
}

/** The cipher of a backup, or null when it has none. Throws BackupError when the key is not the one that it was made with. */
export function cipherOf(head: BackupHead, key: BackupKey | null, where: string): BackupCipher | null {
  const { encryption, id } = head;
  if (encryption === null) {
    if (key === null) return null;
    throw new BackupError(
      'not-encrypted',
      HEAD_OBJECT,
      `The backup in ${where} is not encrypted, and a key was given. Leave the key out to go on with it as it is; ` +
        'for an encrypted backup name an empty target.',
    );
  }
  if (key === null) {
    throw new BackupError(
      'key-needed',
      HEAD_OBJECT,
      `The backup in ${where} is encrypted. Name the key file that it was made with.`,
    );
  }
  if (!BackupCipher.fits(key, encryption, id)) {
    throw new BackupError(
      'wrong-key',
      HEAD_OBJECT,
      `The key is not the one that the backup in ${where} was made with. Name the right key file.`,
    );
  }
  return new BackupCipher(key, encryption);
}
