import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type RequestListener,
  type ServerOptions,
} from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Identity } from '@headkeeper/protocol';

/** The TLS of the operators' port. */
export interface AdminTls {
  /** Calls back with the connection once it is known what it is, and its handshake done; else ends it. */
  accept(raw: Socket, accepted: (socket: Socket) => void): void;
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
  readonly handle: RequestListener;
}

/** The port of the operators' HTTP server: HTTP, HTTPS, or both, told apart by what comes first (`admin.portUnification`). */
export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #door: Server;
  readonly #http: HttpServer;
  readonly #sockets: Set<Socket> = new Set();

  constructor(options: FrontDoorOptions) {
    const { http, handle, idleTimeoutMs, requestsOfConnection, connections } = options;
    this.#options = options;
    this.#http = createHttpServer(http);
    // It never listens, sockets are handed to it; only where one listens does Node look after requests that are too slow.
    this.#http.emit('listening');
    this.#http.maxRequestsPerSocket = requestsOfConnection;
    this.#http.timeout = idleTimeoutMs;
    this.#http.on('request', handle);
    this.#http.on('checkContinue', handle);
    this.#door = createServer((socket) => this.#accept(socket));
    this.#door.maxConnections = connections;
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
    this.#http.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Who a caller is by a certificate that he has shown and that was verified. */
  identitiesOf(socket: Socket): readonly Identity[] {
    const { tls } = this.#options;
    const secured = socket as TLSSocket;
    if (tls === null || secured.encrypted !== true || !secured.authorized) return [];
    const { raw } = secured.getPeerCertificate();
    return raw === undefined ? [] : (tls.identitiesOf(raw) ?? []);
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    const take = (ready: Socket): void => {
      this.#http.emit('connection', ready);
      // What came before it was known what it is waits to be read.
      ready.resume();
    };
    if (this.#options.tls === null) take(socket);
    else this.#options.tls.accept(socket, take);
  }
}
