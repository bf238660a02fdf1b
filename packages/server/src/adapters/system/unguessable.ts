import { randomBytes } from 'node:crypto';

/** So many bytes that nobody can guess and that will not come again: for names and salts. */
export function unguessableBytes(count: number): Buffer {
  return randomBytes(count);
}
