import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsContext } from './tls-context.ts';

/** The header of a TLS record: type, version, length. */
const RECORD_HEADER_BYTES = 5;

export interface TlsAcceptorOptions {
  readonly tls: TlsContext;
  readonly acceptPlain: boolean;
  readonly detectionTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /**
   * Handshakes under way at a time. The oldest has to go for one more: an honest one takes milliseconds, and those that never
   * end keep nobody out (known failure A21).
   */
  readonly mostHandshakes: number;
}

/** Hears what becomes of one connection: one call, once. */
export interface TlsAcceptHandler {
  /** The connection is ready, nothing of it has been read. */
  accepted(socket: Socket, isSecure: boolean): void;
  /**
   * The peer was not let in; its socket is closed, or about to be. It must be left alone: whoever destroys it below the TLS
   * socket while that calls back ends the process (Node 20 reads freed memory).
   */
  failed(error: Error): void;
}

/** There were as many handshakes under way as there may be. */
export class TooManyHandshakes extends Error {
  constructor() {
    super('too many TLS handshakes are under way');
    this.name = 'TooManyHandshakes';
  }
}

interface Handshake {
  readonly raw: Socket;
  /** Tells the socket that the TLS server makes. */
  readonly key: string;
  readonly handler: TlsAcceptHandler;
  stopTimer: () => void;
}

/** Takes accepted sockets through the TLS handshake; on a unified port it first finds out whether they speak TLS. */
export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions;
  readonly #server: Server;
  readonly #handshakes: Map<string, Handshake> = new Map();
  #generation: number;

  constructor(options: TlsAcceptorOptions) {
    this.#options = options;
    this.#generation = options.tls.generation;
    // It never listens: sockets are given to it.
    this.#server = createServer({
      ...options.tls.acceptOptions(),
      handshakeTimeout: options.handshakeTimeoutMs,
    });
    this.#server.on('secureConnection', (socket) => {
      const handshake = this.#handshakes.get(keyOf(socket));
      if (handshake === undefined) socket.destroy();
      else this.#verify(handshake, socket);
    });
    this.#server.on('tlsClientError', (error, socket) => {
      const handshake = this.#handshakes.get(keyOf(socket));
      if (handshake !== undefined) this.#refuse(handshake, error);
      socket.destroy();
    });
  }

  /** Handshakes under way, with those connections that have not yet shown whether they speak TLS. */
  get outstanding(): number {
    return this.#handshakes.size;
  }

  accept(raw: Socket, handler: TlsAcceptHandler): void {
    const key = keyOf(raw);
    // A stranger that is gone already has no address.
    if (raw.destroyed || raw.remotePort === undefined) {
      raw.destroy();
      handler.failed(new Error('closed before the TLS handshake'));
      return;
    }
    for (const [, oldest] of this.#handshakes) {
      if (this.#handshakes.size < this.#options.mostHandshakes) break;
      this.#refuse(oldest, new TooManyHandshakes());
      oldest.raw.destroy();
    }
    const handshake: Handshake = { raw, key, handler, stopTimer: () => {} };
    this.#handshakes.set(key, handshake);
    let error: Error | null = null;
    raw.on('error', (reason) => {
      error ??= reason;
    });
    raw.once('close', () => {
      handshake.stopTimer();
      this.#refuse(handshake, error ?? new Error('closed during the TLS handshake'));
    });
    if (this.#options.acceptPlain) this.#detect(handshake);
    else this.#secure(handshake);
  }

  /** Drops the handshakes that are under way; nobody is told. */
  stop(): void {
    const handshakes = [...this.#handshakes.values()];
    this.#handshakes.clear();
    for (const { raw } of handshakes) raw.destroy();
  }

  /** Looks at the first bytes, and puts them back. */
  #detect(handshake: Handshake): void {
    const { raw } = handshake;
    let first: Buffer = Buffer.alloc(0);
    const settle = (isTls: boolean): void => {
      handshake.stopTimer();
      raw.removeListener('data', look);
      raw.pause();
      if (first.length > 0) raw.unshift(first);
      if (isTls) this.#secure(handshake);
      else if (this.#take(handshake)) handshake.handler.accepted(raw, false);
    };
    const look = (chunk: Buffer): void => {
      first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
      const isTls = looksLikeTls(first);
      if (isTls !== null) settle(isTls);
    };
    const timer = setTimeout(() => settle(false), this.#options.detectionTimeoutMs);
    handshake.stopTimer = () => clearTimeout(timer);
    raw.on('data', look);
  }

  #secure(handshake: Handshake): void {
    const { tls } = this.#options;
    if (this.#generation !== tls.generation) {
      this.#generation = tls.generation;
      this.#server.setSecureContext(tls.acceptOptions());
    }
    this.#server.emit('connection', handshake.raw);
  }

  #verify(handshake: Handshake, socket: TLSSocket): void {
    // A peer that asks for it again and again costs far more than it pays. Node reports it, and leaves the socket open.
    socket.disableRenegotiation();
    socket.on('error', () => socket.destroy());
    this.#options.tls.verifyClient(socket, handshake.raw.remoteAddress ?? '', (error) => {
      if (error !== null) {
        this.#refuse(handshake, error);
        socket.destroy();
      } else if (this.#take(handshake)) handshake.handler.accepted(socket, true);
    });
  }

  /** Whether the handshake was still under way; it is not any more. */
  #take(handshake: Handshake): boolean {
    return this.#handshakes.get(handshake.key) === handshake && this.#handshakes.delete(handshake.key);
  }

  #refuse(handshake: Handshake, error: Error): void {
    if (this.#take(handshake)) handshake.handler.failed(error);
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

/** Whether a connection begins with a TLS record; null: more must come to tell. */
function looksLikeTls(bytes: Uint8Array): boolean | null {
  const [type = 0, major, , high = 0, low = 0] = bytes;
  if (bytes.length === 0) return null;
  if (type < 20 || type > 24) return false;
  if (bytes.length < RECORD_HEADER_BYTES) return null;
  return major === 3 && high * 256 + low > 0;
}
