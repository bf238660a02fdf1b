import type { PeerStream, PeerStreamHandler, Timers } from '../../ports.ts';
import { HandshakeBuffer } from './handshake-buffer.ts';
import type { AuthExchange } from './peer-authenticator.ts';

/** The longest message of an authentication, with room to spare. */
const MAX_HANDSHAKE_BYTES = 65_536;

export interface QuorumStreamOptions {
  readonly timers: Timers;
  /** How long authentication and, where it is awaited, the first byte may take, milliseconds. */
  readonly timeoutMs: number;
  /** Whether this side was connected to: the other one speaks first. */
  readonly awaitsData: boolean;
  /** The authentication to go through, asked for once the stream is open; null: none. */
  readonly exchange: () => AuthExchange | null;
  /** The stream is good. */
  readonly proven: () => void;
  readonly data: (bytes: Uint8Array) => void;
  readonly drained: () => void;
  /** The stream is gone. `isRefusal`: this side or the other one did not accept the authentication. */
  readonly closed: (error: Error | null, isRefusal: boolean) => void;
}

/** One stream on the quorum port: goes through the authentication, then hands everything on. */
export class QuorumStream implements PeerStreamHandler {
  stream: PeerStream | null = null;
  readonly isAccepted: boolean;
  readonly #options: QuorumStreamOptions;
  readonly #buffer: HandshakeBuffer = new HandshakeBuffer(MAX_HANDSHAKE_BYTES);
  #exchange: AuthExchange | null = null;
  #isProven = false;
  #isGone = false;
  /** Hears when a stream that was let go has ended. */
  #whenEnded: () => void = () => {};
  #stopTimer: () => void = () => {};

  constructor(options: QuorumStreamOptions) {
    this.#options = options;
    this.isAccepted = options.awaitsData;
  }

  opened(): void {
    if (this.#isGone) return;
    const { timers, timeoutMs, exchange, awaitsData } = this.#options;
    this.#stopTimer = timers.set(timeoutMs, () => this.#fail(new Error(`nothing heard within ${timeoutMs} ms`), false));
    this.#exchange = exchange();
    const opening = this.#exchange?.opening ?? null;
    if (opening !== null) this.stream?.write(opening, 0, opening.length);
    if (this.#exchange === null && !awaitsData) this.#prove();
  }

  data(bytes: Uint8Array): void {
    if (this.#isGone) return;
    if (this.#isProven) this.#options.data(bytes);
    else this.#handshake(bytes);
  }

  drained(): void {
    if (this.#isProven && !this.#isGone) this.#options.drained();
  }

  closed(error: Error | null): void {
    if (this.#isGone) {
      this.#whenEnded();
      return;
    }
    this.#end();
    this.#options.closed(error, false);
  }

  /** Drops the stream; nothing is told of it. */
  destroy(): void {
    this.#end();
    this.stream?.destroy();
  }

  /** Lets go of the stream: nothing more is told but that it has ended by itself. */
  release(whenEnded: () => void): PeerStream {
    this.#end();
    this.#whenEnded = whenEnded;
    return this.stream!;
  }

  #handshake(chunk: Uint8Array): void {
    const bytes = this.#buffer.join(chunk);
    let at = 0;
    while (this.#exchange !== null) {
      const step = this.#exchange.take(bytes, at, bytes.length);
      at += step.consumed;
      if (step.reply !== null) this.stream?.write(step.reply, 0, step.reply.length);
      if (step.outcome === 'refused') {
        this.#fail(new Error(step.reason ?? 'not authenticated'), true);
        return;
      }
      if (step.outcome === 'passed') this.#exchange = null;
      else if (step.consumed === 0) {
        if (!this.#buffer.keep(bytes, at)) this.#fail(new Error('an authentication message is too long'), true);
        return;
      }
    }
    // A learner that has authenticated and not said anything yet is still unproven.
    if (this.#options.awaitsData && at === bytes.length) return;
    this.#prove();
    // Whoever heard that the stream is good may have dropped it.
    if (at < bytes.length && !this.#isGone) this.#options.data(bytes.subarray(at));
  }

  #prove(): void {
    this.#isProven = true;
    this.#stopTimer();
    this.#options.proven();
  }

  #fail(error: Error, isRefusal: boolean): void {
    this.#end();
    if (isRefusal) this.stream?.close();
    else this.stream?.destroy();
    this.#options.closed(error, isRefusal);
  }

  #end(): void {
    this.#isGone = true;
    this.#stopTimer();
  }
}
