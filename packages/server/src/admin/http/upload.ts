import { createWriteStream } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { AdminCall } from './command.ts';

/** The disk is asked anew for its room whenever so many bytes have come. */
const LOOK_EVERY = 16 << 20;
/** Left free for the log of the running server: it must not stop because of an upload. */
const RESERVE_BYTES = 128 << 20;

/** The body was not taken: the client is told, nothing else has happened. */
export class UploadRefused extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'UploadRefused';
  }
}

/**
 * Writes the body of a request into a new file as it comes in; memory holds a few pieces of it at a time. Room is kept for
 * the state that is made of it, which takes as much again, and for the log.
 *
 * @throws UploadRefused when the disk has not enough room, or the body ends too early.
 */
export async function receiveBody(call: AdminCall, path: string): Promise<void> {
  const { request } = call;
  const folder = dirname(path);
  const announced = Number(request.headers['content-length'] ?? 0);
  await requireRoom(folder, announced * 2);
  let unlooked = 0;
  let received = 0;
  const watch = new Transform({
    transform(bytes: Buffer, _encoding, done) {
      received += bytes.length;
      unlooked += bytes.length;
      if (unlooked < LOOK_EVERY) return done(null, bytes);
      unlooked = 0;
      requireRoom(folder, Math.max(announced - received, 0) + received).then(() => done(null, bytes), done);
    },
  });
  call.wantBody();
  try {
    await pipeline(request, watch, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    if (error instanceof UploadRefused) throw error;
    throw new UploadRefused(`the body could not be taken, the state is unchanged: ${(error as Error).message}`, error);
  }
}

async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes + RESERVE_BYTES) return;
  throw new UploadRefused(
    `${folder} has room for ${free} bytes; the snapshot needs ${bytes} more, and ${RESERVE_BYTES} stay free for the log`,
  );
}
