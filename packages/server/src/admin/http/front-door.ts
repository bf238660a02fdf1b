import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type RequestListener,
  type ServerOptions,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { Identity } from '@headkeeper/protocol';

/** The TLS of the operators' port. */
export interface AdminTls {
  acceptOptions(): TlsOptions;
  /** Grows when the certificates were read again. */
  readonly generation: number;
  /** Who shows a certificate (DER); null: nobody whose name could be told. */
  identitiesOf(certificate: Buffer): readonly Identity[] | null;
}

export interface FrontDoorOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly http: ServerOptions;
  readonly idleTimeoutMs: number;
  readonly requestsOfConnection: number;
  readonly connections: number;
  /** null: plain HTTP alone. */
  readonly tls: AdminTls | null;
  /** Whether HTTP without TLS is taken on the same port. */
  readonly acceptPlain: boolean;
  readonly needClientCertificate: boolean;
  readonly handle: RequestListener;
}

/** The first byte of a TLS handshake. */
const TLS_HANDSHAKE = 0x16;
const HANDSHAKE_MS = 10_000;

/** The port of the operators' HTTP server: HTTP, HTTPS, or both, told apart by the first byte (`admin.portUnification`). */
export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #door: Server;
  readonly #plain: HttpServer;
  readonly #secure: HttpsServer | null;
  readonly #sockets: Set<Socket> = new Set();
  #generation = 0;

  constructor(options: FrontDoorOptions) {
    this.#options = options;
    const { tls, needClientCertificate } = options;
    this.#plain = this.#set(createHttpServer(options.http));
    this.#secure =
      tls === null
        ? null
        : this.#set(
            createHttpsServer({
              ...options.http,
              ...tls.acceptOptions(),
              handshakeTimeout: HANDSHAKE_MS,
              requestCert: needClientCertificate,
              rejectUnauthorized: needClientCertificate,
            }),
          );
    this.#secure?.on('tlsClientError', (_, socket) => socket.destroy());
    this.#generation = tls?.generation ?? 0;
    this.#door = createServer((socket) => this.#accept(socket));
    this.#door.maxConnections = options.connections;
  }

  /** Where it listens. Throws the operating system's error. */
  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    await new Promise<void>((resolve, reject) => {
      this.#door.once('error', reject);
      this.#door.listen(this.#options.port, this.#options.host, () => {
        this.#door.removeListener('error', reject);
        this.#door.on('error', () => {});
        resolve();
      });
    });
    const { address, port } = this.#door.address() as AddressInfo;
    return { host: address, port };
  }

  /** Closes the port and every connection. */
  stop(): void {
    this.#door.close();
    this.#plain.close();
    this.#secure?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #set<One extends HttpServer | HttpsServer>(server: One): One {
    const { handle, idleTimeoutMs, requestsOfConnection } = this.#options;
    server.maxRequestsPerSocket = requestsOfConnection;
    server.timeout = idleTimeoutMs;
    server.on('request', handle);
    server.on('checkContinue', handle);
    return server;
  }

  #accept(socket: Socket): void {
    const { acceptPlain, idleTimeoutMs } = this.#options;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    if (this.#secure === null) {
      this.#plain.emit('connection', socket);
      return;
    }
    if (!acceptPlain) {
      this.#take(socket);
      return;
    }
    socket.setTimeout(idleTimeoutMs, () => socket.destroy());
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.unshift(first);
      if (first[0] === TLS_HANDSHAKE) this.#take(socket);
      else this.#plain.emit('connection', socket);
      socket.resume();
    });
  }

  #take(socket: Socket): void {
    const { tls, needClientCertificate } = this.#options;
    if (tls !== null && tls.generation !== this.#generation) {
      this.#generation = tls.generation;
      this.#secure?.setSecureContext({ ...tls.acceptOptions(), requestCert: needClientCertificate } as TlsOptions);
    }
    this.#secure?.emit('connection', socket);
  }

  /** Who a caller is by a certificate that he has shown and that was verified. */
  identitiesOf(socket: Socket): readonly Identity[] {
    const { tls } = this.#options;
    const secured = socket as TLSSocket;
    if (tls === null || secured.encrypted !== true || !secured.authorized) return [];
    const { raw } = secured.getPeerCertificate();
    return raw === undefined ? [] : (tls.identitiesOf(raw) ?? []);
  }
}
