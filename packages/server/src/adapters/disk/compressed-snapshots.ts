import { Transform } from 'node:stream';
import { createGzip } from 'node:zlib';
import { SnappyStreamEncoder } from '../../core/log/snappy-encoder.ts';
import { limits } from '../../limits.ts';
import type { SnapshotSink } from '../../ports.ts';

/** How a snapshot's bytes are compressed on their way into the file. */
export type FileCompression = 'gz' | 'snappy';

/**
 * Compresses what is written to it, into the sink that `open` makes. Takes up to `limits.snapshotQueue` uncompressed bytes
 * before it says false, and calls `drained` when half of them, and of what the file's sink holds, are gone. gzip works on a
 * thread of its own, snappy on this one, chunk by chunk.
 */
export class CompressedSink implements SnapshotSink {
  readonly #transform: Transform;
  readonly #sink: SnapshotSink;
  readonly #drained: () => void;
  /** Bytes that are not compressed yet. */
  #queued = 0;
  #full = false;
  /** Whether the file's sink takes no more for now. */
  #fileFull = false;
  #done: ((error: Error | null) => void) | null = null;

  constructor(compression: FileCompression, open: (drained: () => void) => SnapshotSink, drained: () => void) {
    this.#drained = drained;
    this.#transform = compression === 'gz' ? createGzip() : snappyStream();
    this.#sink = open(() => this.#fileDrained());
    this.#transform.on('data', (bytes: Uint8Array) => {
      if (this.#sink.write(bytes)) return;
      this.#fileFull = true;
      this.#transform.pause();
    });
    this.#transform.on('end', () => {
      if (this.#done !== null) this.#sink.finish(this.#done);
    });
  }

  write(bytes: Uint8Array, written?: (bytes: Uint8Array) => void): boolean {
    this.#queued += bytes.length;
    this.#transform.write(bytes, () => {
      this.#queued -= bytes.length;
      written?.(bytes);
      this.#goOn();
    });
    this.#full ||= this.#queued >= limits.snapshotQueue;
    return !this.#full;
  }

  finish(done: (error: Error | null) => void): void {
    this.#done = done;
    this.#transform.end();
  }

  abort(): void {
    this.#transform.removeAllListeners('data').removeAllListeners('end');
    this.#transform.on('error', () => {
      // What was still being compressed is wanted no more.
    });
    this.#transform.destroy();
    this.#sink.abort();
  }

  #fileDrained(): void {
    this.#fileFull = false;
    this.#transform.resume();
    this.#goOn();
  }

  #goOn(): void {
    if (!this.#full || this.#fileFull || this.#queued > limits.snapshotQueue / 2) return;
    this.#full = false;
    this.#drained();
  }
}

function snappyStream(): Transform {
  const encoder = new SnappyStreamEncoder();
  return new Transform({
    transform: (chunk: Uint8Array, _encoding, done) => done(null, encoder.encode(chunk)),
    flush: (done) => done(null, encoder.finish()),
  });
}
