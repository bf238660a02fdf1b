import type { Socket } from 'node:net';
import type { Writer } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { ClientLink } from '../../ports.ts';

const FRESH_BYTES = 512;
/** Output memory larger than this is not kept by an idle connection. */
const KEEP_BYTES = 65536;

/** A client's TCP connection. Reading stops while the core wants it to, and while too much output waits for the peer. */
export class SocketLink implements ClientLink {
  readonly port: number;
  readonly #socket: Socket;
  #pausedByCore = false;
  #pausedByOutput = false;

  /** `drained` is called when the network has taken everything that had to wait for it. */
  constructor(socket: Socket, drained: () => void) {
    this.#socket = socket;
    this.port = socket.remotePort ?? 0;
    socket.on('drain', () => {
      this.#pausedByOutput = false;
      this.#applyPause();
      drained();
    });
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
    socket.write(Buffer.from(out.bytes.buffer as ArrayBuffer, out.bytes.byteOffset, out.length));
    // With nothing left in the stream the kernel has taken a copy, and the memory can be written over.
    if (socket.writableLength === 0) {
      if (out.bytes.length > KEEP_BYTES) out.replaceMemory(FRESH_BYTES);
      out.length = 0;
      return;
    }
    out.replaceMemory(FRESH_BYTES);
    if (socket.writableLength > limits.outputHighWater) {
      this.#pausedByOutput = true;
      this.#applyPause();
    }
  }

  close(): void {
    this.#socket.destroySoon();
  }

  pause(): void {
    this.#pausedByCore = true;
    this.#applyPause();
  }

  resume(): void {
    this.#pausedByCore = false;
    this.#applyPause();
  }

  #applyPause(): void {
    if (this.#pausedByCore || this.#pausedByOutput) this.#socket.pause();
    else this.#socket.resume();
  }
}
