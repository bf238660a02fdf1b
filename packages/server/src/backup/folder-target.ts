import { createReadStream } from 'node:fs';
import { type FileHandle, link, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { unguessableBytes } from '../adapters/system/unguessable.ts';
import { PART_SUFFIX } from './catalogue.ts';
import { type BackupTarget, TargetError, type TargetFailure, type TargetObject } from './target.ts';

const READ_BYTES = 1 << 18;
/** What is written at once: a call for each of many small pieces takes longer than the bytes do. */
const WRITE_BYTES = 1 << 18;
const NAME = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/;

const FAILURES: Readonly<Record<string, TargetFailure>> = {
  ENOENT: 'missing',
  EEXIST: 'exists',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ETIMEDOUT: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENOTCONN: 'unreachable',
  ESTALE: 'unreachable',
  EIO: 'unreachable',
};

const ADVICE: Readonly<Record<TargetFailure, string>> = {
  missing: 'there is no such file',
  exists: 'it is there already, and nothing is ever overwritten',
  full: 'no room is left on the disk, or a quota is used up: free some space',
  denied: 'the permissions do not suffice: give the user of the process the right to read and write there',
  unreachable: 'the disk or its server does not answer: check the mount',
  other: 'the operating system refused',
};

/** File systems that know no hard links. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Backups in a folder, which is made with the first object. An object is written under another name (ending in `.part`),
 * synced, given its name without overwriting anything, and its folder is synced.
 */
export function createFolderTarget(folder: string): BackupTarget {
  return new FolderTarget(path.resolve(folder));
}

class FolderTarget implements BackupTarget {
  readonly description: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.description = folder;
  }

  async put(name: string, body: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): Promise<void> {
    const file = this.#file(name);
    const part = `${file}.${unguessableBytes(4).toString('hex')}${PART_SUFFIX}`;
    try {
      await this.#makeFolder(path.dirname(file));
      const handle = await open(part, 'wx');
      try {
        await write(handle, body, signal);
        await handle.sync();
      } finally {
        await handle.close();
      }
      signal.throwIfAborted();
      await moveWithoutOverwriting(part, file);
      await syncFolder(path.dirname(file));
    } catch (error) {
      // What is left is found and removed by a later prune, should this fail, too.
      await unlink(part).catch(() => {});
      throw this.#explained(error, name, signal);
    }
  }

  async settled(): Promise<void> {
    // A link fails if the name is there.
  }

  async *get(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted();
    const file = createReadStream(this.#file(name), { highWaterMark: READ_BYTES });
    try {
      for await (const chunk of file) {
        signal.throwIfAborted();
        yield chunk as Uint8Array;
      }
    } catch (error) {
      throw this.#explained(error, name, signal);
    }
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<TargetObject> {
    const found: TargetObject[] = [];
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    await this.#collect(folder, found, signal);
    found.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const object of found) if (object.name.startsWith(prefix)) yield object;
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const file = this.#file(name);
    try {
      await unlink(file);
      await syncFolder(path.dirname(file));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#explained(error, name, signal);
    }
  }

  async close(): Promise<void> {
    // Nothing stays open between calls.
  }

  async #collect(folder: string, found: TargetObject[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const at = path.join(this.#folder, folder);
    try {
      for (const entry of await readdir(at, { withFileTypes: true })) {
        signal.throwIfAborted();
        const name = folder + entry.name;
        if (entry.isDirectory()) await this.#collect(`${name}/`, found, signal);
        else if (entry.isFile()) await describe(path.join(at, entry.name), name, found);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw this.#explained(error, folder, signal);
    }
  }

  #file(name: string): string {
    if (!NAME.test(name)) throw new TargetError('other', `${name} is no name of an object`);
    return path.join(this.#folder, name);
  }

  /** Makes a folder and those above it, durably. */
  async #makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true });
    if (first === undefined) return;
    const stop = path.dirname(first);
    for (let at = path.dirname(folder); at.length >= stop.length; at = path.dirname(at)) {
      await syncFolder(at);
      if (at === path.dirname(at)) break;
    }
  }

  #explained(error: unknown, name: string, signal: AbortSignal): unknown {
    if (error instanceof BodyFailed) return error.cause;
    if (error instanceof TargetError || (signal.aborted && error === signal.reason)) return error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const failure = FAILURES[code] ?? 'other';
    return new TargetError(failure, `${path.join(this.#folder, name)}: ${ADVICE[failure]} (${message}).`, error);
  }
}

/** A file that goes away while the folder is listed is not there. */
async function describe(file: string, name: string, found: TargetObject[]): Promise<void> {
  try {
    const { size, mtimeMs } = await stat(file);
    found.push({ name, size, modifiedMs: Math.floor(mtimeMs) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function write(
  handle: FileHandle,
  body: AsyncIterable<Uint8Array> | Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  if (body instanceof Uint8Array) return writeAll(handle, [body], body.length);
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of markedBody(body)) {
    signal.throwIfAborted();
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < WRITE_BYTES) continue;
    await writeAll(handle, held, bytes);
    held = [];
    bytes = 0;
  }
  await writeAll(handle, held, bytes);
}

/** What the body throws is no failure of the target, even if it comes from another disk. */
class BodyFailed extends Error {}

async function* markedBody(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw new BodyFailed('the body failed', { cause: error });
  }
}

async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[], bytes: number): Promise<void> {
  const joined = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces, bytes);
  for (let at = 0; at < bytes; ) at += (await handle.write(joined, at, bytes - at)).bytesWritten;
}

async function moveWithoutOverwriting(part: string, file: string): Promise<void> {
  try {
    await link(part, file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!NO_LINKS.has(code)) throw error;
    // Names are made unique by their random part, so looking first is enough where links are not known.
    if (await exists(file)) throw Object.assign(new Error(`EEXIST: ${file}`), { code: 'EEXIST', errno: -17 });
    await rename(part, file);
    return;
  }
  await unlink(part);
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
