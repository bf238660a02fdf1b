import { readFileSync, statSync } from 'node:fs';
import { limits } from '../../limits.ts';

/** A file of users cannot be read, or not understood; the message names the line, never what is in it. */
export class UsersFileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsersFileError';
  }
}

const MODE_OTHERS = 0o007;

/**
 * Users and their passwords: `user:password`, one a line, the password being all behind the first colon. Lines that are
 * empty or begin with `#` do not count. Throws `UsersFileError`.
 */
export function parseUsers(text: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const colon = line.indexOf(':');
    const wrong = (what: string): UsersFileError =>
      new UsersFileError(`line ${index + 1}: expected user:password, ${what}`);
    if (colon < 0) throw wrong('there is no colon');
    const user = line.slice(0, colon).trim();
    const password = line.slice(colon + 1);
    if (user === '') throw wrong('the user is missing');
    if (password === '') throw wrong('the password is missing');
    if (users.has(user)) throw wrong('and each user once');
    users.set(user, password);
  }
  return users;
}

/** A file of users, read again whenever it has changed. */
export class UsersFile {
  readonly #path: string;
  readonly #warn: (message: string) => void;
  #users: ReadonlyMap<string, string> = new Map();
  /** What tells that the file has changed. */
  #seen = '';

  /** Reads the file. Throws `UsersFileError` when that cannot be done. */
  constructor(path: string, warn: (message: string) => void) {
    this.#path = path;
    this.#warn = warn;
    this.#read();
  }

  passwordOf(user: string): string | null {
    return this.#users.get(user) ?? null;
  }

  get size(): number {
    return this.#users.size;
  }

  /** Reads the file again if it has changed; while that cannot be done, the users stay as they were. True: it was read. */
  look(): boolean {
    try {
      return this.#read();
    } catch (error) {
      if (!(error instanceof UsersFileError)) throw error;
      this.#warn(`${error.message}; the SASL users stay as they were`);
      return false;
    }
  }

  #read(): boolean {
    try {
      const { ino, size, mtimeMs, ctimeMs, mode } = statSync(this.#path);
      const seen = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      if (seen === this.#seen) return false;
      this.#seen = seen;
      if (size > limits.usersFileBytes) throw new UsersFileError(`expected ${limits.usersFileBytes} bytes at most`);
      this.#users = parseUsers(readFileSync(this.#path, 'utf8'));
      if ((mode & MODE_OTHERS) !== 0) this.#warn(openToOthers(this.#path));
      return true;
    } catch (error) {
      // A file that is gone is told of once.
      const reason = (error as Error).message;
      if (this.#seen === reason) return false;
      if (!(error instanceof UsersFileError)) this.#seen = reason;
      throw new UsersFileError(`${this.#path}: ${reason}`);
    }
  }
}

/** Whether everybody on this machine can read or change a file; false when that cannot be said. */
export function isOpenToOthers(path: string): boolean {
  try {
    return (statSync(path).mode & MODE_OTHERS) !== 0;
  } catch {
    return false;
  }
}

export function openToOthers(path: string): string {
  return `${path} holds secrets, and everybody on this machine can read or change it: chmod o= ${path}`;
}
