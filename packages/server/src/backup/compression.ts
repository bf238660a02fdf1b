import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';

export type Compression = 'none' | 'gzip';

const CHUNK_BYTES = 65_536;

/** Compresses a stream of bytes. Level 1: logs and znodes shrink by about as much as at higher ones, in a third of the time. */
export function gzip(plain: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return through(plain, createGzip({ level: 1, chunkSize: CHUNK_BYTES }));
}

/** Uncompresses; throws zlib's error when the bytes are damaged or end too early. */
export function gunzip(packed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return through(packed, createGunzip({ chunkSize: CHUNK_BYTES }));
}

async function* through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  // An error of the source, or of the transform, destroys both and comes out of the loop below.
  pipeline(Readable.from(source, { objectMode: false }), transform, () => {});
  for await (const chunk of transform) yield chunk as Uint8Array;
}
