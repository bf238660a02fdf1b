import { JuteError, parseInitialMessage } from '@headkeeper/protocol';
import type { Endpoint, PeerStream, PeerStreamHandler, Timers } from '../../ports.ts';
import { FrameParser } from './election-frames.ts';
import { HandshakeBuffer } from './handshake-buffer.ts';
import type { AuthExchange } from './peer-authenticator.ts';
import { PeerProtocolError } from './peer-protocol-error.ts';

/** The longest message before the frames begin, with room to spare. */
const MAX_HANDSHAKE_BYTES = 65_536;

export interface ElectionStreamOptions {
  readonly timers: Timers;
  /** How long initial message and authentication may take, milliseconds. */
  readonly timeoutMs: number;
  /** What this side says first when it has connected; null: it was connected to, and the other one says who it is. */
  readonly initial: (() => Uint8Array) | null;
  /** The authentication that follows the initial message, asked for when it is due; null: none. */
  readonly exchange: () => AuthExchange | null;
}

/** What an election stream reports to its owner. */
export interface ElectionStreamOwner {
  /** Connected, and about to say who this is. */
  connected(stream: ElectionStream): void;
  /** The handshake is done; `sid` and `announced` are those of an accepted stream. */
  ready(stream: ElectionStream, sid: number, announced: readonly Endpoint[]): void;
  /** The payload is the owner's. */
  frame(stream: ElectionStream, payload: Uint8Array): void;
  drained(stream: ElectionStream): void;
  /** The stream is gone. `isFault`: it did not keep to the protocol, or was not let in. */
  ended(stream: ElectionStream, error: Error | null, isFault: boolean): void;
}

/** One stream on an election port, of either side: initial message, authentication, frames. */
export class ElectionStream implements PeerStreamHandler {
  stream: PeerStream | null = null;
  readonly #options: ElectionStreamOptions;
  readonly #owner: ElectionStreamOwner;
  readonly #frames: FrameParser;
  #buffer: HandshakeBuffer | null = new HandshakeBuffer(MAX_HANDSHAKE_BYTES);
  #exchange: AuthExchange | null = null;
  #isIntroduced = false;
  #sid = -1;
  #announced: readonly Endpoint[] = [];
  #isGone = false;
  #stopTimer: () => void = () => {};

  constructor(options: ElectionStreamOptions, owner: ElectionStreamOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#frames = new FrameParser((payload) => owner.frame(this, payload));
  }

  get unsentBytes(): number {
    return this.stream?.unsentBytes ?? 0;
  }

  opened(): void {
    if (this.#isGone) return;
    const { timers, timeoutMs, initial, exchange } = this.#options;
    if (initial !== null) this.#owner.connected(this);
    if (this.#isGone) return;
    this.#stopTimer = timers.set(timeoutMs, () => this.#fail(new Error(`no handshake within ${timeoutMs} ms`), true));
    if (initial === null) return;
    this.#isIntroduced = true;
    this.#write(initial());
    this.#exchange = exchange();
    if (this.#exchange === null) this.#finish();
    else if (this.#exchange.opening !== null) this.#write(this.#exchange.opening);
  }

  data(bytes: Uint8Array): void {
    if (this.#isGone) return;
    try {
      if (this.#buffer === null) this.#takeFrames(bytes, 0);
      else this.#handshake(this.#buffer, bytes);
    } catch (error) {
      if (!(error instanceof PeerProtocolError || error instanceof JuteError)) throw error;
      this.#fail(error, true);
    }
  }

  drained(): void {
    if (!this.#isGone && this.#buffer === null) this.#owner.drained(this);
  }

  closed(error: Error | null): void {
    if (this.#isGone) return;
    // One that only asks to be called back may have gone before it was asked who it is.
    if (error === null && this.#isIntroduced && this.#exchange?.passesSilent === true) this.#finish();
    if (this.#isGone) return;
    this.#end();
    this.#owner.ended(this, error, false);
  }

  /** Sends `payload` in a frame of its own. */
  send(payload: Uint8Array): void {
    const frame = new Uint8Array(4 + payload.length);
    new DataView(frame.buffer).setInt32(0, payload.length);
    frame.set(payload, 4);
    this.#write(frame);
  }

  /** Ends the stream after what was sent; nothing more is told of it. */
  close(): void {
    this.#end();
    this.stream?.close();
  }

  /** Drops the stream; nothing more is told of it. */
  destroy(): void {
    this.#end();
    this.stream?.destroy();
  }

  #write(bytes: Uint8Array): void {
    this.stream?.write(bytes, 0, bytes.length);
  }

  #handshake(buffer: HandshakeBuffer, chunk: Uint8Array): void {
    const bytes = buffer.join(chunk);
    let at = 0;
    if (!this.#isIntroduced) {
      at = this.#introduce(bytes);
      if (!this.#isIntroduced) {
        buffer.keep(bytes, 0);
        return;
      }
    }
    while (this.#exchange !== null) {
      const step = this.#exchange.take(bytes, at, bytes.length);
      at += step.consumed;
      if (step.reply !== null) this.#write(step.reply);
      if (step.outcome === 'refused') throw new PeerProtocolError(step.reason ?? 'not authenticated');
      if (step.outcome === 'passed') this.#exchange = null;
      else if (step.consumed === 0) {
        if (!buffer.keep(bytes, at)) throw new PeerProtocolError('an authentication message is too long');
        return;
      }
    }
    this.#finish();
    if (!this.#isGone) this.#takeFrames(bytes, at);
  }

  /** Reads who the other side is, once all of it has come; returns where that ends. */
  #introduce(bytes: Uint8Array): number {
    const message = parseInitialMessage(bytes, 0, bytes.length);
    if (message === null) return 0;
    this.#sid = message.sid;
    this.#announced = message.addresses;
    this.#isIntroduced = true;
    this.#exchange = this.#options.exchange();
    return message.length;
  }

  #finish(): void {
    this.#stopTimer();
    this.#exchange = null;
    this.#buffer = null;
    this.#owner.ready(this, this.#sid, this.#announced);
  }

  #takeFrames(bytes: Uint8Array, start: number): void {
    this.#frames.push(bytes, start);
  }

  #fail(error: Error, isFault: boolean): void {
    this.#end();
    // What was answered last, a refusal for instance, is to arrive.
    this.stream?.close();
    this.#owner.ended(this, error, isFault);
  }

  #end(): void {
    this.#isGone = true;
    this.#frames.stop();
    this.#stopTimer();
  }
}
