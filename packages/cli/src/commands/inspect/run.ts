import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { SnappyStreamDecoder, SnapshotDamaged } from '@headkeeper/server/internal';
import { CommandError } from '../../exit-codes.ts';
import { LineOutput } from './line-output.ts';
import { inspectLog } from './log.ts';
import { inspectSnapshot } from './snapshot.ts';

/**
 * Prints a log or snapshot file, as text or as one JSON object a line.
 *
 * @throws CommandError when the file cannot be read or is damaged.
 */
export async function runInspect(kind: 'log' | 'snapshot', file: string, json: boolean): Promise<void> {
  const out = new LineOutput();
  if (kind === 'log') return inspectLog(file, fileChunks(file), json, out);
  let chunks = fileChunks(file);
  if (file.endsWith('.gz')) chunks = gunzipped(chunks);
  else if (file.endsWith('.snappy')) chunks = unsnapped(chunks);
  return inspectSnapshot(file, chunks, json, out);
}

async function* fileChunks(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file, { highWaterMark: 1 << 18 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw new CommandError(`cannot read ${file}: ${(error as Error).message}`);
  }
}

async function* gunzipped(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  // The iteration below throws what goes wrong on either side.
  pipeline(chunks, gunzip, () => {});
  let position = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      position += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (error instanceof CommandError || (error as NodeJS.ErrnoException).errno === undefined) throw error;
    throw new SnapshotDamaged(position, `the gzip stream is broken: ${(error as Error).message}`);
  }
}

async function* unsnapped(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let blocks: Uint8Array[] = [];
  const decoder = new SnappyStreamDecoder((block) => blocks.push(block.slice()));
  for await (const chunk of chunks) {
    decoder.push(chunk);
    yield* blocks;
    blocks = [];
  }
  decoder.finish();
}
