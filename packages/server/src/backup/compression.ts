import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createGzip, gzipSync } from 'node:zlib';

export type Compression = 'none' | 'gzip';

/** Level 1: logs and znodes shrink by about as much as at higher ones, in a third of the time. */
const OPTIONS: { readonly level: number; readonly chunkSize: number } = { level: 1, chunkSize: 65_536 };

/** Compresses a stream of bytes, in another thread. */
export function gzip(plain: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return through(plain, createGzip(OPTIONS));
}

/** Compresses large pieces in the calling thread: each is a member of its own, and members in a row are a gzip file. */
export async function* gzipPieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield gzipSync(piece, OPTIONS);
}

/** Uncompresses; throws zlib's error when the bytes are damaged or end too early. */
export function gunzip(packed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return through(packed, createGunzip({ chunkSize: OPTIONS.chunkSize }));
}

async function* through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  // An error of the source, or of the transform, destroys both and comes out of the loop below.
  pipeline(Readable.from(source, { objectMode: false }), transform, () => {});
  for await (const chunk of transform) yield chunk as Uint8Array;
}
