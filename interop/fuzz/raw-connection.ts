/** A connection that sends any bytes, and checks of the answers what must hold whatever was sent. */

import { connect, type Socket } from 'node:net';
import { ErrorCode } from '@headkeeper/protocol';

const HEADER_BYTES = 16;
const WATCH_EVENT = -1;
const PING = -2;
const IN_ARREARS_MS = 20_000;
const KNOWN_ERRORS: ReadonlySet<number> = new Set(Object.values(ErrorCode));
/** They are answered ahead of what waits. */
const AHEAD: ReadonlySet<number> = new Set([100, 102]);
const PING_OPCODE = 11;

/** What the server did is not what it must ever do. */
export class Violation extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Violation';
  }
}

interface Expected {
  readonly xid: number;
  readonly ahead: boolean;
}

/** What came of a round. */
export interface Round {
  /** Frames that were answered, or closed the connection. */
  readonly handled: number;
  readonly isOpen: boolean;
}

export class RawConnection {
  readonly #socket: Socket;
  #input: Buffer = Buffer.alloc(0);
  #expected: Expected[] = [];
  #handled = 0;
  #closed = false;
  #isLeaving = false;
  #hello: Buffer | null = null;
  #greeted: boolean;
  #failure: Violation | null = null;
  #wake: () => void = () => {};

  /** `localAddress`: closed connections keep a port for a while, and one address has too few of them. */
  constructor(port: number, localAddress: string, hasHandshake: boolean) {
    this.#greeted = !hasHandshake;
    this.#socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    this.#socket.on('data', (bytes) => this.#arrived(bytes));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  /** Sends a handshake; resolves with the answer, or null when the server closes instead. */
  async greet(frame: Uint8Array): Promise<Buffer | null> {
    this.#socket.write(frame);
    await this.#until(() => this.#hello !== null || this.#closed, 'a handshake has no answer');
    return this.#hello;
  }

  /** Sends frames that are read in step, and waits until the last of them is answered or the connection is closed. */
  async round(frames: readonly Buffer[]): Promise<Round> {
    this.#handled = 0;
    for (const frame of frames) this.#expect(frame);
    this.#socket.write(Buffer.concat(frames));
    await this.#until(() => this.#expected.length === 0 || this.#closed, 'frames have no answer');
    return { handled: this.#handled + (this.#closed ? 1 : 0), isOpen: !this.#closed };
  }

  /** Sends bytes and waits until the server closes, or has had `ms` to. What is answered to them is not looked at. */
  async leave(bytes: Uint8Array, ms: number): Promise<void> {
    this.#isLeaving = true;
    this.#socket.write(bytes);
    if (this.#closed) return;
    const timer = setTimeout(() => this.#socket.resetAndDestroy(), ms);
    await this.#until(() => this.#closed, 'a connection does not end');
    clearTimeout(timer);
  }

  destroy(): void {
    this.#socket.resetAndDestroy();
  }

  #expect(frame: Buffer): void {
    if (frame.length < 12) return;
    const opcode = frame.readInt32BE(8);
    this.#expected.push({ xid: opcode === PING_OPCODE ? PING : frame.readInt32BE(4), ahead: AHEAD.has(opcode) });
  }

  #arrived(bytes: Buffer): void {
    if (this.#isLeaving) return;
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    try {
      this.#frames();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#failure = error;
      this.#socket.resetAndDestroy();
    }
    this.#wake();
  }

  #frames(): void {
    let at = 0;
    const input = this.#input;
    while (at + 4 <= input.length) {
      const length = input.readInt32BE(at);
      if (length < HEADER_BYTES) throw new Violation(`a reply of ${length} bytes`);
      if (at + 4 + length > input.length) break;
      if (this.#greeted) this.#reply(input, at + 4);
      else {
        this.#hello ??= Buffer.from(input.subarray(at + 4, at + 4 + length));
        this.#greeted = true;
      }
      at += 4 + length;
    }
    if (at > 0) this.#input = Buffer.from(input.subarray(at));
  }

  #reply(input: Buffer, at: number): void {
    const xid = input.readInt32BE(at);
    const error = input.readInt32BE(at + 12);
    if (!KNOWN_ERRORS.has(error)) throw new Violation(`error code ${error} in a reply`);
    const index = this.#expected.findIndex((one) => one.xid === xid && (one.ahead || one === this.#firstInLine()));
    if (index < 0) {
      if (xid === WATCH_EVENT) return;
      throw new Violation(`a reply with xid ${xid}, where ${this.#firstInLine()?.xid ?? 'none'} is the next`);
    }
    this.#expected.splice(index, 1);
    this.#handled++;
  }

  #firstInLine(): Expected | undefined {
    return this.#expected.find((one) => !one.ahead);
  }

  async #until(holds: () => boolean, complaint: string): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, IN_ARREARS_MS);
    while (!holds() && !late && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(timer);
    if (this.#failure !== null) throw this.#failure;
    if (late) throw new Violation(`${complaint} in ${IN_ARREARS_MS} ms`);
    if (this.#closed) this.#expected = [];
  }
}
