import { BackupError } from './backup-error.ts';
import { gunzip } from './compression.ts';
import type { BackupCipher } from './encryption.ts';
import type { StoredFile } from './manifest.ts';
import { Meter } from './meter.ts';
import { type BackupTarget, TargetError } from './target.ts';

/**
 * The plain bytes of an object. The checksums can only be compared at its end: what comes before is to be believed only once
 * the stream has ended without an error. Throws BackupError 'damaged' naming the object, and TargetError but for a missing
 * object, which is damage.
 */
export async function* readObject(
  target: BackupTarget,
  file: StoredFile,
  cipher: BackupCipher | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (file.encrypted && cipher === null) {
    throw new BackupError(
      'key-needed',
      file.object,
      `${file.object} is encrypted: name the key file it was made with.`,
    );
  }
  const before = new Meter();
  const after = new Meter();
  let stream: AsyncIterable<Uint8Array> = before.pass(target.get(file.object, signal));
  if (file.encrypted && cipher !== null) stream = cipher.decrypt(file.object, stream);
  if (file.compression === 'gzip') stream = gunzip(stream);
  try {
    for await (const chunk of after.pass(stream)) {
      if (after.bytes > file.plainBytes) {
        throw damaged(file, `it holds more than the ${file.plainBytes} bytes that its manifest states`);
      }
      yield chunk;
    }
  } catch (error) {
    throw explained(file, error, signal);
  }
  if (before.bytes !== file.storedBytes) {
    throw damaged(file, `it has ${before.bytes} bytes, and its manifest states ${file.storedBytes}`);
  }
  if (before.sha256 !== file.storedSha256)
    throw damaged(file, 'its bytes have another SHA-256 than its manifest states');
  if (after.bytes !== file.plainBytes || after.sha256 !== file.plainSha256) {
    throw damaged(file, 'what it holds has another size or SHA-256 than its manifest states');
  }
}

function explained(file: StoredFile, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || error instanceof BackupError) return error;
  if (error instanceof TargetError)
    return error.failure === 'missing' ? damaged(file, 'it is not there', error) : error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (/^Z_|^ERR_.*ZLIB/.test(code))
    return damaged(file, `it cannot be uncompressed (${(error as Error).message})`, error);
  return error;
}

function damaged(file: StoredFile, what: string, cause?: unknown): BackupError {
  return new BackupError('damaged', file.object, `${file.object} is damaged: ${what}.`, cause);
}
