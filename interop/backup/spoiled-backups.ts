/** Backups that are not whole: each must be refused with the object or the gap named, and nothing written. */

import { existsSync } from 'node:fs';
import type { BackupTarget } from '@headkeeper/server/internal';
import { type Spoiling, spoilObject } from '@headkeeper/testkit';

interface Piece {
  readonly stem: string;
  readonly first: number;
  readonly last: number;
  readonly data: string;
}

/** How one object is spoiled, and what `headkeeper restore` must answer: its exit code, and words of its message. */
interface Trial {
  readonly part: 'manifest' | 'data';
  readonly spoiling: Spoiling;
  readonly code: number;
  readonly words: RegExp;
}

/** docs/reference/exit-codes.md */
const DAMAGED = 41;
const NOT_COVERED = 42;

const trials: readonly Trial[] = [
  { part: 'manifest', spoiling: 'lost', code: NOT_COVERED, words: /has a gap/ },
  { part: 'manifest', spoiling: 'halved', code: DAMAGED, words: /does not count/ },
  { part: 'data', spoiling: 'lost', code: DAMAGED, words: /is damaged/ },
  { part: 'data', spoiling: 'bit-flipped', code: DAMAGED, words: /is damaged|cannot be decrypted/ },
];

const never = new AbortController().signal;

/**
 * Spoils one piece of log in the middle, in several ways one after the other, and mends it again.
 * @param restore Runs `headkeeper restore` into the folder
 * @returns what went wrong, one sentence each
 */
export async function trySpoiledBackups(
  target: BackupTarget,
  folder: string,
  restore: (folder: string) => Promise<{ readonly code: number; readonly output: string }>,
): Promise<string[]> {
  const piece = await neededPiece(target);
  const faults: string[] = [];
  for (const { part, spoiling, code, words } of trials) {
    const name = part === 'manifest' ? `${piece.stem}.json` : piece.data;
    const whole = await bytesOf(target, name);
    await spoilObject(target, name, spoiling);
    const found = await restore(folder);
    if (found.code !== code || !words.test(found.output))
      faults.push(`${name} ${spoiling}: restore exited with ${found.code} and said ${found.output}`);
    if (existsSync(folder)) faults.push(`${name} ${spoiling}: restore has written ${folder}`);
    await target.remove(name, never);
    await target.put(name, whole, never);
  }
  return faults;
}

/** A piece of log behind all full backups, with later ones behind it, that shares no txn with any other. */
async function neededPiece(target: BackupTarget): Promise<Piece> {
  const pieces: Piece[] = [];
  let newestFull = 0;
  const names: string[] = [];
  for await (const { name } of target.list('', never)) names.push(name);
  for (const name of names) {
    const full = /^full\/([0-9a-f]{16})-[0-9a-f]{8}\.json$/.exec(name);
    if (full !== null) newestFull = Math.max(newestFull, Number.parseInt(full[1]!, 16));
    const match = /^(log\/[0-9a-f]{16}\.([0-9a-f]{16})\.([0-9a-f]{16})-[0-9a-f]{8})\.json$/.exec(name);
    if (match === null) continue;
    const stem = match[1]!;
    const data = names.find((other) => other.startsWith(`${stem}.log`));
    if (data === undefined) throw new Error(`${name} is there and its data is not`);
    pieces.push({ stem, first: Number.parseInt(match[2]!, 16), last: Number.parseInt(match[3]!, 16), data });
  }
  const newest = Math.max(...pieces.map(({ last }) => last));
  const alone = pieces.filter((piece) => {
    const overlaps = pieces.some((other) => other !== piece && other.first <= piece.last && piece.first <= other.last);
    return piece.first > newestFull && piece.last < newest && !overlaps;
  });
  const chosen = alone[alone.length >> 1];
  if (chosen === undefined) throw new Error(`no piece of log stands alone: ${names.join(' ')}`);
  return chosen;
}

async function bytesOf(target: BackupTarget, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of target.get(name, never)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
