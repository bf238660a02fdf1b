import type { Socket } from 'node:net';
import type { Endpoint, PeerStream, PeerStreamHandler } from '../../ports.ts';
import { readIntoSharedMemory } from '../tcp/shared-memory.ts';

const STAGING_BYTES = 65_536;
/** How long a peer has to take the last that it is sent, and to close. */
const LINGER_MS = 3_000;
/** A connection that has been heard this often is worth a cheaper way of reading. */
const SHORT_LIVED_READS = 8;

/** A TCP or TLS connection to another server. */
export class TcpStream implements PeerStream {
  readonly remote: Endpoint;
  #socket: Socket;
  readonly #handler: PeerStreamHandler;
  /** Where writes are gathered; null: there is no memory for it yet, or the socket still uses it. */
  #staging: Buffer | null = null;
  #staged = 0;
  /** Whether something went out in this turn of the event loop. */
  #isGathering = false;
  readonly #isSecure: boolean;
  #error: Error | null = null;
  #isDropped = false;
  #isEnding = false;
  #isPaused = false;
  #isStarted = false;
  #reads = 0;

  /** The socket must have no listeners for data of its own. `handler` is told of the end at once, of data after `start`. */
  constructor(socket: Socket, remote: Endpoint, isSecure: boolean, handler: (stream: PeerStream) => PeerStreamHandler) {
    this.#socket = socket;
    this.#isSecure = isSecure;
    this.remote = remote;
    this.#listen();
    this.#handler = handler(this);
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('error', (error) => {
      this.#error ??= named(error);
    });
    // A peer that has said its last word takes nothing any more: a half-closed connection has no use here.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      // Whoever still knows this stream is not to keep its memory.
      this.#staging = null;
      this.#staged = 0;
      if (!this.#isDropped) this.#handler.closed(this.#error);
    });
  }

  /** The stream is ready: what comes is handed over from now on. */
  start(): void {
    if (this.#isStarted || this.#isDropped || this.#socket.destroyed) return;
    this.#isStarted = true;
    this.#handler.opened();
    this.#socket.on('data', (chunk: Buffer) => {
      if (this.#isEnding || this.#isDropped) return;
      // Not as a Buffer, whose `slice` makes no copy.
      this.#handler.data(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
      if (++this.#reads === SHORT_LIVED_READS) setImmediate(() => this.#shareMemory());
    });
    // It stands still when its first bytes were looked at.
    if (this.#isPaused) this.#socket.pause();
    else this.#socket.resume();
  }

  #shareMemory(): void {
    if (this.#isSecure || this.#isEnding || this.#isDropped) return;
    const next = readIntoSharedMemory(this.#socket, (bytes) => {
      if (!this.#isEnding && !this.#isDropped) this.#handler.data(bytes);
    });
    if (next === null) return;
    this.#socket = next;
    this.#listen();
  }

  /** Drops the connection; the handler hears of `error`. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  get unsentBytes(): number {
    return this.#staged + this.#socket.writableLength;
  }

  /**
   * What is written first goes out at once; what is written behind it, while the process is still busy with what else has
   * come, goes out in one piece: each call to the operating system costs more than many packets.
   */
  write(bytes: Uint8Array, start: number, end: number): void {
    const socket = this.#socket;
    if (this.#isEnding || socket.destroyed || socket.writableEnded) return;
    if (this.#staged + end - start > STAGING_BYTES) this.#flush();
    // A long piece goes through the same memory again and again: new memory for a copy would cost more than the calls.
    for (let at = start; at < end; ) {
      const count = Math.min(end - at, STAGING_BYTES);
      this.#staging ??= Buffer.allocUnsafeSlow(STAGING_BYTES);
      this.#staging.set(bytes.subarray(at, at + count), this.#staged);
      this.#staged += count;
      at += count;
      if (at < end) this.#flush();
    }
    if (this.#isGathering) return;
    this.#flush();
    this.#isGathering = true;
    setImmediate(this.#gathered);
  }

  close(): void {
    const socket = this.#socket;
    if (this.#isEnding || socket.destroyed) return;
    this.#flush();
    this.#isEnding = true;
    // Closed with input that nobody has read, a socket is reset, and the peer loses what is on its way: so what still comes
    // is read, and dropped, until the peer closes as well.
    socket.resume();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#isDropped = true;
    this.#socket.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isEnding) this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isStarted) this.#socket.resume();
  }

  /** Hands what was gathered to the socket. */
  #flush(): void {
    const [socket, staging, count] = [this.#socket, this.#staging, this.#staged];
    if (staging === null || count === 0) return;
    this.#staged = 0;
    if (socket.destroyed) return;
    // Encryption uses the memory for longer than the call.
    const bytes = this.#isSecure ? Buffer.from(staging.subarray(0, count)) : staging.subarray(0, count);
    socket.write(bytes, this.#written);
    // With nothing left in the stream the kernel has taken a copy, and the memory can be written over.
    if (socket.writableLength > 0 && !this.#isSecure) this.#staging = null;
  }

  readonly #gathered = (): void => {
    this.#isGathering = false;
    if (!this.#isEnding && !this.#isDropped) this.#flush();
  };

  readonly #written = (): void => {
    if (this.unsentBytes === 0 && !this.#isDropped && !this.#isEnding) this.#handler.drained();
  };
}

/** An error of several addresses of one name says nothing by itself. */
function named(error: Error): Error {
  if (error.message !== '' || !('code' in error)) return error;
  return new Error(String(error.code), { cause: error });
}
