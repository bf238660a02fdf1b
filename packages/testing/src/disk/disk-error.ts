const TEXTS = {
  EIO: 'i/o error',
  ENOSPC: 'no space left on device',
  ENOENT: 'no such file or directory',
  EEXIST: 'file already exists',
  EISDIR: 'illegal operation on a directory',
  ENOTDIR: 'not a directory',
  EBADF: 'bad file descriptor',
} as const;

export type DiskErrorCode = keyof typeof TEXTS;

/** An error as node:fs makes them. */
export class DiskError extends Error {
  readonly code: DiskErrorCode;
  readonly syscall: string;
  readonly path: string;

  constructor(code: DiskErrorCode, syscall: string, path: string) {
    super(`${code}: ${TEXTS[code]}, ${syscall} '${path}'`);
    this.name = 'DiskError';
    this.code = code;
    this.syscall = syscall;
    this.path = path;
  }
}
