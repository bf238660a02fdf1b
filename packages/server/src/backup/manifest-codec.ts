import { epochOf } from '@headkeeper/protocol';
import { zxidText } from '../core/log/recovery-refused.ts';
import { BackupError } from './backup-error.ts';
import type { BackupCipher } from './encryption.ts';
import { FieldReader } from './field-reader.ts';
import type { FullManifest, LogManifest, Manifest, StoredFile } from './manifest.ts';
import { dataObject, type FullName, type LogName, manifestObject } from './naming.ts';
import { decodeSealed, encodeSealed, type JsonFields } from './sealed-json.ts';

/** The text of a manifest, as it is put under `manifestObject(name)`. */
export function encodeManifest(object: string, manifest: Manifest, cipher: BackupCipher | null): Uint8Array {
  return encodeSealed(object, manifest.kind === 'full' ? fullFields(manifest) : logFields(manifest), cipher);
}

function fullFields(manifest: FullManifest): JsonFields {
  const { kind, format, file, zxid, ...rest } = manifest;
  return { kind, format, zxid: zxidText(zxid), epoch: epochOf(zxid), ...rest, file };
}

function logFields(manifest: LogManifest): JsonFields {
  const { kind, format, file, afterZxid, firstZxid, lastZxid, ...rest } = manifest;
  return {
    kind,
    format,
    afterZxid: zxidText(afterZxid),
    firstZxid: zxidText(firstZxid),
    lastZxid: zxidText(lastZxid),
    epoch: epochOf(lastZxid),
    ...rest,
    file,
  };
}

/** Reads the manifest of a full backup and compares it with its name. Throws BackupError. */
export function decodeFullManifest(name: FullName, bytes: Uint8Array, cipher: BackupCipher | null): FullManifest {
  const object = manifestObject(name);
  const fields = new FieldReader(object, decodeSealed(object, bytes, cipher));
  const manifest: FullManifest = {
    kind: fields.oneOf('kind', ['full']),
    format: fields.count('format'),
    file: storedFile(fields.inside('file')),
    zxid: fields.zxid('zxid'),
    digest: fields.textOrNull('digest'),
    znodes: fields.count('znodes'),
    sessions: fields.count('sessions'),
    txnTimeMs: fields.timeOrNull('txnTimeMs'),
    takenMs: fields.time('takenMs'),
    by: fields.text('by'),
  };
  if (manifest.zxid !== name.zxid) throw exchanged(object);
  requireOwnData(object, name, manifest.file);
  return manifest;
}

/** Reads the manifest of a piece of log and compares it with its name. Throws BackupError. */
export function decodeLogManifest(name: LogName, bytes: Uint8Array, cipher: BackupCipher | null): LogManifest {
  const object = manifestObject(name);
  const fields = new FieldReader(object, decodeSealed(object, bytes, cipher));
  const manifest: LogManifest = {
    kind: fields.oneOf('kind', ['log']),
    format: fields.count('format'),
    file: storedFile(fields.inside('file')),
    afterZxid: fields.zxid('afterZxid'),
    firstZxid: fields.zxid('firstZxid'),
    lastZxid: fields.zxid('lastZxid'),
    txns: fields.count('txns'),
    firstTimeMs: fields.time('firstTimeMs'),
    lastTimeMs: fields.time('lastTimeMs'),
    minTimeMs: fields.time('minTimeMs'),
    maxTimeMs: fields.time('maxTimeMs'),
    lastRecordAdler: fields.count('lastRecordAdler'),
    publishedMs: fields.time('publishedMs'),
    by: fields.text('by'),
  };
  const { afterZxid, firstZxid, lastZxid } = manifest;
  if (afterZxid !== name.afterZxid || firstZxid !== name.firstZxid || lastZxid !== name.lastZxid) {
    throw exchanged(object);
  }
  if (manifest.txns !== lastZxid - firstZxid + 1) throw fields.wrong('txns');
  requireOwnData(object, name, manifest.file);
  return manifest;
}

function storedFile(fields: FieldReader): StoredFile {
  return {
    object: fields.text('object'),
    storedBytes: fields.count('storedBytes'),
    storedSha256: fields.text('storedSha256'),
    plainBytes: fields.count('plainBytes'),
    plainSha256: fields.text('plainSha256'),
    compression: fields.oneOf('compression', ['none', 'gzip']),
    encrypted: fields.flag('encrypted'),
  };
}

function requireOwnData(object: string, name: FullName | LogName, file: StoredFile): void {
  if (file.object !== dataObject(name, file.compression === 'gzip', file.encrypted)) throw exchanged(object);
}

function exchanged(object: string): BackupError {
  return new BackupError('damaged', object, `${object} does not count: it was made for another object.`);
}
