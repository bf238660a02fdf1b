import type { Socket } from 'node:net';
import type { Endpoint, PeerStream, PeerStreamHandler } from '../../ports.ts';

const STAGING_BYTES = 65_536;
/** Staging memory larger than this is not kept by an idle stream. */
const KEEP_BYTES = 1_048_576;
/** How long a peer has to take the last that it is sent, and to close. */
const LINGER_MS = 3_000;

/** A TCP or TLS connection to another server. */
export class TcpStream implements PeerStream {
  readonly remote: Endpoint;
  readonly #socket: Socket;
  #handler: PeerStreamHandler | null = null;
  #error: Error | null = null;
  #staging: Uint8Array = new Uint8Array(0);
  #isEnding = false;
  #isPaused = false;

  /** The socket must have no listeners of its own for data, errors and closing. */
  constructor(socket: Socket, remote: Endpoint) {
    this.#socket = socket;
    this.remote = remote;
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    // A peer that has said its last word takes nothing any more: a half-closed connection has no use here.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      const handler = this.#handler;
      this.#handler = null;
      handler?.closed(this.#error);
    });
  }

  /** Begins to hand over what comes. `opened` is the owner's to call. */
  attach(handler: PeerStreamHandler): void {
    this.#handler = handler;
    this.#socket.on('data', (chunk: Buffer) => {
      // Not as a Buffer, whose `slice` makes no copy.
      if (!this.#isEnding) this.#handler?.data(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
    if (this.#isPaused) this.#socket.pause();
  }

  /** Drops the connection; the handler hears of `error`. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    const socket = this.#socket;
    if (this.#isEnding || socket.destroyed || socket.writableEnded) return;
    const count = end - start;
    if (this.#staging.length < count) this.#staging = new Uint8Array(Math.max(count, STAGING_BYTES));
    const staging = this.#staging;
    staging.set(bytes.subarray(start, end));
    socket.write(Buffer.from(staging.buffer as ArrayBuffer, staging.byteOffset, count), this.#written);
    // With nothing left in the stream the kernel has taken a copy, and the memory can be written over.
    if (socket.writableLength > 0 || staging.length > KEEP_BYTES) this.#staging = new Uint8Array(0);
  }

  close(): void {
    if (this.#isEnding || this.#socket.destroyed) return;
    this.#isEnding = true;
    // Closed with input that nobody has read, a socket is reset, and the peer loses what is on its way: so what still comes
    // is read, and dropped, until the peer closes as well.
    const socket = this.#socket;
    socket.resume();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#handler = null;
    this.#socket.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isEnding) this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#handler !== null) this.#socket.resume();
  }

  readonly #written = (): void => {
    if (this.#socket.writableLength === 0) this.#handler?.drained();
  };
}
