import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { PROMETHEUS_CONTENT_TYPE } from './prometheus.ts';

export interface MetricsServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Certificate, key, and whom to trust; null: without TLS. */
  readonly tls: ServerOptions | null;
  /** The exposition. */
  readonly text: () => string;
  readonly failed: (error: Error) => void;
}

/** Everything that callers can make it hold has its limit. Sizes in bytes, times in milliseconds. */
const LIMITS = { connections: 32, headerBytes: 16_384, requestMs: 10_000, idleMs: 120_000 } as const;

/** Where Prometheus asks for metrics: GET /metrics, and nothing else. */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    const limits = {
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.requestMs,
      requestTimeout: LIMITS.requestMs,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: LIMITS.idleMs,
    };
    const { tls } = options;
    this.#server = tls === null ? createServer(limits) : createSecureServer({ ...limits, ...tls });
    this.#server.maxConnections = LIMITS.connections;
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response));
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Where it listens. Throws the operating system's error. */
  async listen(): Promise<{ readonly host: string; readonly port: number }> {
    this.#server.listen(this.#options.port, this.#options.host);
    await once(this.#server, 'listening');
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** Closes the port and every connection. */
  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', () => {});
    request.on('error', () => {});
    request.resume();
    const path = (request.url ?? '').split('?', 1)[0];
    const isReading = request.method === 'GET' || request.method === 'HEAD';
    if (path !== '/metrics') send(request, response, 404, 'metrics are at /metrics\n');
    else if (!isReading) send(request, response, 405, '');
    else this.#tell(request, response);
  }

  #tell(request: IncomingMessage, response: ServerResponse): void {
    try {
      send(request, response, 200, this.#options.text());
    } catch (error) {
      this.#options.failed(error as Error);
      send(request, response, 500, '');
    }
  }
}

function send(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', status === 200 ? PROMETHEUS_CONTENT_TYPE : 'text/plain; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(request.method === 'HEAD' ? undefined : text);
}
