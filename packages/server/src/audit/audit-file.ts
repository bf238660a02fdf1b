import { closeSync, existsSync, fstatSync, openSync, renameSync, write, writeSync } from 'node:fs';
import type { AuditSink } from './audit-log.ts';

/** Read by the owner and his group. */
const FILE_MODE = 0o640;

/**
 * A file that is added to until it has `maxBytes`; then it gets the suffix `.1`, the one that had this gets `.2`, and so on up to
 * `keep`. Throws the operating system's error when it cannot be opened.
 */
export function openAuditFile(path: string, maxBytes: number, keep: number): AuditSink {
  let file = openSync(path, 'a', FILE_MODE);
  let size = fstatSync(file).size;

  const makeRoom = (bytes: number): void => {
    if (size === 0 || size + bytes <= maxBytes) return;
    closeSync(file);
    try {
      for (let number = keep - 1; number >= 1; number--) {
        if (existsSync(`${path}.${number}`)) renameSync(`${path}.${number}`, `${path}.${number + 1}`);
      }
      if (keep > 0) renameSync(path, `${path}.1`);
    } finally {
      // Where the old ones cannot be moved the file grows, and nothing is lost.
      file = openSync(path, keep > 0 ? 'a' : 'w', FILE_MODE);
      size = fstatSync(file).size;
    }
  };

  return {
    write: (text, done) => {
      const bytes = Buffer.from(text);
      try {
        makeRoom(bytes.length);
      } catch (error) {
        return done(error as Error);
      }
      const next = (from: number): void => {
        write(file, bytes, from, bytes.length - from, null, (error, written) => {
          if (error !== null) return done(error);
          size += written;
          if (from + written < bytes.length) next(from + written);
          else done(null);
        });
      };
      next(0);
    },
    writeNow: (text) => {
      const bytes = Buffer.from(text);
      for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from, bytes.length - from);
    },
    close: () => closeSync(file),
  };
}
