/** Damage to the files of a server that is stopped. */

import { closeSync, ftruncateSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RandomStream } from '@headkeeper/testkit';

export type DamageKind = 'bit flip' | 'zeros' | 'junk' | 'truncation';

export const BLOCK_BYTES = 4096;

export interface DataFile {
  /** Such as `log.100000001`. */
  readonly name: string;
  readonly path: string;
  /** Up to the last byte that is not zero: logs are longer than what is in them. */
  readonly usedBytes: number;
}

/** Every file of the history that has something in it. */
export function filesOf(dataDir: string): DataFile[] {
  return filesIn(join(dataDir, 'version-2'));
}

/** The same of the files beside the history: `myid`, and those of ours where Apache does not look. */
export function filesBeside(dataDir: string): DataFile[] {
  return filesIn(dataDir);
}

function filesIn(folder: string): DataFile[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => ({ name, path: join(folder, name), usedBytes: usedBytesOf(join(folder, name)) }))
    .filter(({ usedBytes }) => usedBytes > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * @param random which bit, and the junk
 * @returns what was done, for the report
 */
export function damage(file: DataFile, kind: DamageKind, from: number, length: number, random: RandomStream): string {
  const descriptor = openSync(file.path, 'r+');
  try {
    const end = Math.min(from + length, file.usedBytes);
    const bytes = new Uint8Array(end - from);
    if (kind === 'truncation') {
      ftruncateSync(descriptor, from);
      return `${file.name} cut off at ${from}`;
    }
    if (kind === 'bit flip') {
      readSync(descriptor, bytes, 0, 1, from);
      const bit = random.below(8);
      bytes[0] = (bytes[0] as number) ^ (1 << bit);
      writeSync(descriptor, bytes, 0, 1, from);
      return `bit ${bit} of byte ${from} of ${file.name} flipped`;
    }
    if (kind === 'junk') for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
    writeSync(descriptor, bytes, 0, bytes.length, from);
    return `${kind} in bytes ${from} to ${end} of ${file.name}`;
  } finally {
    closeSync(descriptor);
  }
}

function usedBytesOf(path: string): number {
  const bytes = new Uint8Array(statSync(path).size);
  const file = openSync(path, 'r');
  readSync(file, bytes, 0, bytes.length, 0);
  closeSync(file);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}
