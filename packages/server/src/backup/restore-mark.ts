import { zxidText } from '../core/log/recovery-refused.ts';
import type { BackupCipher } from './encryption.ts';
import { FieldReader } from './field-reader.ts';
import { FORMAT_VERSION } from './manifest.ts';
import { restoreMarkObject } from './naming.ts';
import { decodeSealed, encodeSealed } from './sealed-json.ts';

/** What a restore leaves in the target, so that no other one goes on in the same epoch. */
export interface RestoreMark {
  /** The epoch in which the restored history goes on. */
  readonly epoch: number;
  /** The zxid whose state was restored. */
  readonly zxid: number;
  /** Epoch milliseconds, by the clock of whoever restored. */
  readonly restoredMs: number;
  /** Random hexadecimal digits: whose mark it is. */
  readonly id: string;
}

export function encodeRestoreMark(mark: RestoreMark, cipher: BackupCipher | null): Uint8Array {
  const { epoch, zxid, restoredMs, id } = mark;
  const fields = { kind: 'restored', format: FORMAT_VERSION, epoch, zxid: zxidText(zxid), restoredMs, id };
  return encodeSealed(restoreMarkObject(epoch), fields, cipher);
}

/** Reads a mark and compares it with its name. Throws BackupError. */
export function decodeRestoreMark(epoch: number, bytes: Uint8Array, cipher: BackupCipher | null): RestoreMark {
  const object = restoreMarkObject(epoch);
  const fields = new FieldReader(object, decodeSealed(object, bytes, cipher));
  fields.oneOf('kind', ['restored']);
  if (fields.count('epoch') !== epoch) throw fields.wrong('epoch');
  return { epoch, zxid: fields.zxid('zxid'), restoredMs: fields.time('restoredMs'), id: fields.text('id') };
}
