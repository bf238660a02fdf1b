import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../../ports.ts';
import type { QuorumTls } from './quorum-tls.ts';

/** Handshakes under way on one port; the oldest has to go for a new one. */
const MAX_HANDSHAKES = 128;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** The header of a TLS record: type, version, length. */
const RECORD_HEADER_BYTES = 5;

export interface TlsAcceptorOptions {
  readonly tls: QuorumTls;
  readonly acceptPlain: boolean;
  readonly detectionTimeoutMs: number;
  /** A connection is ready, nothing of it has been read. */
  readonly accepted: (socket: Socket, isSecure: boolean, remote: Endpoint) => void;
  /** A peer was not let in. */
  readonly failed: (error: Error) => void;
}

interface Handshake {
  readonly raw: Socket;
  readonly remote: Endpoint;
  stopTimer: () => void;
}

/** Takes accepted sockets through the TLS handshake; on a unified port it first finds out whether they speak TLS. */
export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions;
  readonly #server: Server;
  readonly #handshakes: Map<Socket, Handshake> = new Map();
  #generation: number;

  constructor(options: TlsAcceptorOptions) {
    this.#options = options;
    this.#generation = options.tls.generation;
    // It never listens: sockets are given to it.
    this.#server = createServer({ ...options.tls.acceptOptions(), handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
    this.#server.on('secureConnection', (socket) => {
      const handshake = this.#handshakeOf(socket);
      if (handshake === null) socket.destroy();
      else this.#verify(handshake, socket);
    });
    this.#server.on('tlsClientError', (error, socket) => {
      const handshake = this.#handshakeOf(socket);
      if (handshake !== null) this.#refuse(handshake, error);
      socket.destroy();
    });
  }

  accept(raw: Socket, remote: Endpoint): void {
    for (const [oldest] of this.#handshakes) {
      if (this.#handshakes.size < MAX_HANDSHAKES) break;
      this.#handshakes.delete(oldest);
      oldest.destroy();
    }
    const handshake: Handshake = { raw, remote, stopTimer: () => {} };
    this.#handshakes.set(raw, handshake);
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

  /** Drops the handshakes that are under way. */
  stop(): void {
    const sockets = [...this.#handshakes.keys()];
    this.#handshakes.clear();
    for (const socket of sockets) socket.destroy();
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
      if (isTls) {
        this.#secure(handshake);
      } else if (this.#handshakes.delete(raw)) {
        this.#options.accepted(raw, false, handshake.remote);
      }
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

  /** The handshake that a socket of the TLS server belongs to. */
  #handshakeOf(socket: TLSSocket): Handshake | null {
    for (const handshake of this.#handshakes.values()) {
      const { remoteAddress, remotePort } = handshake.raw;
      if (remotePort === socket.remotePort && remoteAddress === socket.remoteAddress) return handshake;
    }
    return null;
  }

  #verify(handshake: Handshake, socket: TLSSocket): void {
    this.#options.tls.verifyClient(socket, handshake.remote.host, (error) => {
      if (error !== null) {
        this.#refuse(handshake, error);
        socket.destroy();
      } else if (this.#handshakes.delete(handshake.raw)) {
        this.#options.accepted(socket, true, handshake.remote);
      }
    });
  }

  #refuse(handshake: Handshake, error: Error): void {
    if (!this.#handshakes.delete(handshake.raw)) return;
    const { host, port } = handshake.remote;
    this.#options.failed(new Error(`TLS with ${host}:${port}: ${error.message}`, { cause: error }));
  }
}

/** Whether a connection begins with a TLS record; null: more must come to tell. */
function looksLikeTls(bytes: Uint8Array): boolean | null {
  const [type = 0, major, , high = 0, low = 0] = bytes;
  if (bytes.length === 0) return null;
  if (type < 20 || type > 24) return false;
  if (bytes.length < RECORD_HEADER_BYTES) return null;
  return major === 3 && high * 256 + low > 0;
}
