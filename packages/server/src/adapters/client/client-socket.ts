import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Identity, Writer } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { ClientLink } from '../../ports.ts';
import { readIntoSharedMemory } from '../tcp/shared-memory.ts';

const FRESH_BYTES = 128;
/** So much of a long answer is made in one turn of the loop. */
const PIECE_CHARACTERS = 32_768;
/** Output memory larger than this is not kept by an idle connection. */
const KEEP_BYTES = 65536;
const UNNUMBERED = -1;

/** As much of what goes through TLS is copied; memory of more is given away. */
const STAGED_BYTES = 16_384;
const STAGE_BYTES = 65_536;
/** Where it is copied to, a part for each piece; the memory goes when all of them are with the network. */
let stageMemory: Buffer = Buffer.alloc(0);
let staged = 0;

/** What a client's socket reports. */
export interface ClientSocketPort {
  /**
   * All bytes that have come before the socket is known to be a client's. Returns the number of the connection, or null
   * when they must be shown again with what follows, or the socket is no client's.
   */
  first(socket: ClientSocket, bytes: Buffer): number | null;
  data(connection: number, bytes: Uint8Array): void;
  /** The network has taken everything that had to wait for it. */
  drained(connection: number): void;
  /** Some of what was sent waits for the network. */
  waits(socket: ClientSocket): void;
  /** The connection is to end once everything is sent, which may take the peer any time. */
  closing(socket: ClientSocket): void;
  /** The connection is gone; null when it never was a client's. */
  closed(socket: ClientSocket, connection: number | null): void;
}

/**
 * A TCP connection to the client port, through TLS or not. Reading stops while the core wants it to, and while too much output waits for the
 * peer.
 */
export class ClientSocket implements ClientLink {
  readonly address: string;
  readonly port: number;
  readonly isSecure: boolean;
  readonly identities: readonly Identity[];
  /** When it was accepted, monotonic milliseconds. */
  readonly acceptedMs: number;
  #socket: Socket;
  readonly #port: ClientSocketPort;
  #connection = UNNUMBERED;
  #first: Buffer | null = null;
  /** Whether it is about to end: what the peer still says is dropped. */
  #isEnding = false;
  #pausedByCore = false;
  #pausedByOutput = false;
  /** Whether it has had its share of this turn of the loop. */
  #pausedByTurn = false;

  constructor(
    socket: Socket,
    address: string,
    identities: readonly Identity[],
    acceptedMs: number,
    port: ClientSocketPort,
  ) {
    this.#socket = socket;
    this.isSecure = socket instanceof TLSSocket;
    this.identities = identities;
    this.#port = port;
    this.address = address;
    this.port = socket.remotePort ?? 0;
    this.acceptedMs = acceptedMs;
    // Before anything has come: later there may be something unread, and then it must stay as it is.
    const shared = readIntoSharedMemory(socket, (bytes) => this.#heard(bytes), limits.readBytes);
    if (shared === null) socket.on('data', (chunk: Buffer) => this.#heard(chunk));
    else this.#socket = shared;
    this.#listen();
    // One whose first bytes were looked at stands still.
    socket.resume();
  }

  #heard(bytes: Uint8Array): void {
    if (this.#isEnding) return;
    if (this.#connection === UNNUMBERED) this.#begin(bytes);
    else this.#port.data(this.#connection, bytes);
    if (bytes.length >= limits.readBytes) this.#endTurn();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('drain', () => this.#drained());
    socket.on('error', ignoreError);
    socket.on('close', () => this.#port.closed(this, this.#connection === UNNUMBERED ? null : this.#connection));
  }

  /** The operating system hands out as much as there is, piece after piece: others wait meanwhile, so one is enough. */
  #endTurn(): void {
    if (this.#pausedByTurn) return;
    this.#pausedByTurn = true;
    this.#applyPause();
    setImmediate(() => {
      this.#pausedByTurn = false;
      this.#applyPause();
    });
  }

  get taken(): string {
    const handle = (this.#socket as { _handle?: { writeQueueSize?: number } | null })._handle ?? null;
    return `${this.#socket.bytesWritten - this.#socket.writableLength} ${handle?.writeQueueSize ?? 0}`;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  send(out: Writer): void {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) {
      out.length = 0;
      return;
    }
    // Only what piles up is cut off: a single reply may be of any size.
    if (socket.writableLength > limits.outputMaximum) {
      out.length = 0;
      socket.destroy();
      return;
    }
    if (this.isSecure && out.length <= STAGED_BYTES && socket.writableLength === 0) {
      socket.write(stage(out.bytes, out.length));
      out.length = 0;
      return;
    }
    socket.write(Buffer.from(out.bytes.buffer as ArrayBuffer, out.bytes.byteOffset, out.length));
    // With nothing left in the stream the kernel has taken a copy, and the memory can be written over.
    if (socket.writableLength === 0) {
      if (out.bytes.length > KEEP_BYTES) out.replaceMemory(FRESH_BYTES);
      out.length = 0;
      return;
    }
    out.replaceMemory(FRESH_BYTES);
    this.#port.waits(this);
    if (socket.writableLength > limits.outputHighWater) {
      this.#pausedByOutput = true;
      this.#applyPause();
    }
  }

  /** The peer has said its word, and its answer waits: what it says beyond is not heard. */
  hearNoMore(): void {
    this.#isEnding = true;
  }

  /** Sends a text and closes; what the peer still says is not heard. */
  answer(text: string): void {
    this.#isEnding = true;
    this.#socket.end(text);
  }

  /** The same with a text whose lines are made as the peer takes them, a piece in each turn of the loop; calls `done` once. */
  answerBitByBit(lines: Iterable<string>, done: () => void): void {
    this.#isEnding = true;
    const socket = this.#socket;
    if (socket.destroyed) {
      done();
      return;
    }
    const left = lines[Symbol.iterator]();
    socket.once('close', done);
    const next = (): void => {
      if (socket.destroyed) return;
      let piece = '';
      for (let line = left.next(); line.done !== true; line = left.next()) {
        piece += line.value;
        if (piece.length < PIECE_CHARACTERS) continue;
        if (socket.write(piece)) setImmediate(next);
        else socket.once('drain', next);
        return;
      }
      socket.removeListener('close', done);
      socket.end(piece);
      done();
    };
    next();
  }

  close(): void {
    if (this.#socket.destroyed || this.#isEnding) return;
    this.#isEnding = true;
    // Closed with input that nobody has read, a socket is reset, and the peer loses what is on its way.
    this.#applyPause();
    this.#port.closing(this);
    this.#socket.destroySoon();
  }

  /** Closes at once, whatever is still to be sent. */
  destroy(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#pausedByCore = true;
    this.#applyPause();
  }

  resume(): void {
    this.#pausedByCore = false;
    this.#applyPause();
  }

  /** The bytes are valid during the call only. */
  #begin(chunk: Uint8Array): void {
    const bytes = this.#first === null ? Buffer.from(chunk) : Buffer.concat([this.#first, chunk]);
    this.#first = bytes;
    const connection = this.#port.first(this, bytes);
    if (connection === null) return;
    this.#first = null;
    this.#connection = connection;
    this.#port.data(connection, bytes);
  }

  #drained(): void {
    this.#pausedByOutput = false;
    this.#applyPause();
    if (this.#connection !== UNNUMBERED) this.#port.drained(this.#connection);
  }

  #applyPause(): void {
    if (!this.#isEnding && (this.#pausedByCore || this.#pausedByOutput || this.#pausedByTurn)) this.#socket.pause();
    else this.#socket.resume();
  }
}

/** The close event that follows an error does what is to be done. */
function ignoreError(): void {}

/** A copy: TLS holds on to what it is given, though mostly for no longer than this turn of the loop. */
function stage(bytes: Uint8Array, length: number): Buffer {
  if (staged + length > stageMemory.length) {
    stageMemory = Buffer.allocUnsafeSlow(STAGE_BYTES);
    staged = 0;
  }
  const piece = stageMemory.subarray(staged, staged + length);
  piece.set(bytes.length === length ? bytes : bytes.subarray(0, length));
  staged += length;
  return piece;
}
