import { type Compression, gzip, gzipHere } from './compression.ts';
import type { BackupCipher } from './encryption.ts';
import type { StoredFile } from './manifest.ts';
import { Meter } from './meter.ts';
import { type BackupName, dataObject } from './naming.ts';
import type { BackupTarget } from './target.ts';

export interface WriteOptions {
  readonly compression: Compression;
  /** Null: the bytes are kept as they are. */
  readonly cipher: BackupCipher | null;
  /** Whether all work is done in the calling thread, so that its priority counts. */
  readonly isInThread: boolean;
  /** SHA-256 of the plain bytes, hexadecimal; null: it is found as they pass. */
  readonly plainSha256: string | null;
}

/**
 * Keeps a plain file as an object: compressed, then encrypted, both as asked. Returns what the manifest says about it. Throws
 * what the target and the source throw; there is then no such object.
 */
export async function putObject(
  target: BackupTarget,
  name: BackupName,
  plain: AsyncIterable<Uint8Array>,
  options: WriteOptions,
  signal: AbortSignal,
): Promise<StoredFile> {
  const { compression, cipher, isInThread } = options;
  const object = dataObject(name, compression === 'gzip', cipher !== null);
  const before = new Meter(options.plainSha256);
  const after = new Meter();
  let stream: AsyncIterable<Uint8Array> = before.pass(plain);
  if (compression === 'gzip') stream = isInThread ? gzipHere(stream) : gzip(stream);
  if (cipher !== null) stream = cipher.encrypt(object, stream);
  await target.put(object, after.pass(stream), signal);
  return {
    object,
    storedBytes: after.bytes,
    storedSha256: after.sha256,
    plainBytes: before.bytes,
    plainSha256: before.sha256,
    compression,
    encrypted: cipher !== null,
  };
}
