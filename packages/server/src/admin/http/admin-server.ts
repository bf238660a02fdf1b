import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { NOT_SERVING } from '../four-letter.ts';
import { type JsonFields, jsonPieces } from './json-text.ts';
import { type Facts, READING_COMMANDS } from './reading-commands.ts';

/** A command with a way of its own to answer. */
export interface OwnCommand {
  readonly names: readonly [string, ...string[]];
  readonly method: 'GET' | 'POST' | 'any';
  /** Answers; may read the request's body. A throw becomes status 500. */
  run(call: AdminCall): Promise<void>;
}

/** A request to a command, and how it is answered. */
export interface AdminCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** Sends the JSON envelope: the fields, then `command` and `error`. */
  json(status: number, fields: JsonFields, error?: string): Promise<void>;
  /** Asks a client that waits for it to send the body (`Expect: 100-continue`). To be called before the body is read. */
  wantBody(): void;
  /** From here on the connection stays open although nothing moves on it, until the answer begins. */
  keepWaiting(): void;
}

export interface AdminServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The path in front of the commands. */
  readonly commandUrl: string;
  readonly idleTimeoutMs: number;
  readonly facts: Facts;
  /** Whether clients are served. */
  readonly isServing: () => boolean;
  /** Why this server is not ready for clients, or null. */
  readonly unready: () => string | null;
  readonly commands: readonly OwnCommand[];
  readonly failed: (command: string, error: Error) => void;
}

/** Everything that callers can make it hold has its limit. Sizes in bytes, times in milliseconds. */
const LIMITS = {
  connections: 64,
  headerBytes: 16_384,
  headersMs: 10_000,
  requestsOfConnection: 1000,
  /** A body that nobody wants is read this far, so that its sender hears the answer. */
  unwantedBytes: 16_777_216,
} as const;

/**
 * The operators' HTTP server: the commands of Apache ZooKeeper's AdminServer (feature inventory, section B.2), and `/livez` and
 * `/readyz`. It answers in the server's own thread, large answers piece by piece.
 */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server;
  readonly #own: Map<string, OwnCommand> = new Map();
  readonly #sockets: Set<Socket> = new Set();

  constructor(options: AdminServerOptions) {
    this.#options = options;
    for (const command of options.commands) for (const name of command.names) this.#own.set(name, command);
    this.#server = createServer({
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.headersMs,
      // A body may take as long as it goes on coming.
      requestTimeout: 0,
      keepAliveTimeout: options.idleTimeoutMs,
      connectionsCheckingInterval: 1000,
    });
    this.#server.maxConnections = LIMITS.connections;
    this.#server.maxRequestsPerSocket = LIMITS.requestsOfConnection;
    this.#server.timeout = options.idleTimeoutMs;
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      this.#handle(request, response).catch((error: Error) => {
        options.failed(request.url ?? '', error);
        response.destroy();
      });
    };
    this.#server.on('request', handle);
    this.#server.on('checkContinue', handle);
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

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.socket.setTimeout(this.#options.idleTimeoutMs);
    const { method } = request;
    response.on('error', () => {});
    request.on('error', () => {});
    if (method === 'TRACE') return this.#text(request, response, 403, '');
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return this.#text(request, response, 405, '');
    const [path = '', ...query] = (request.url ?? '').split('?');
    const { commandUrl } = this.#options;
    if (path === '/livez') return this.#text(request, response, 200, 'ok\n');
    if (path === '/readyz') return this.#ready(request, response);
    if (path === commandUrl || path === `${commandUrl}/`) return this.#text(request, response, 200, this.#list());
    if (!path.startsWith(`${commandUrl}/`))
      return this.#text(request, response, 404, `commands are at ${commandUrl}\n`);
    const name = decoded(path.slice(commandUrl.length + 1));
    await this.#command(name, request, response, new URLSearchParams(query.join('?')));
  }

  async #command(
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<void> {
    const { facts, isServing, failed } = this.#options;
    const own = this.#own.get(name);
    const reading = READING_COMMANDS.find(({ names }) => names.includes(name));
    const primary = own?.names[0] ?? reading?.names[0] ?? name;
    const json = (status: number, fields: JsonFields, error: string | null = null): Promise<void> =>
      this.#json(request, response, status, { ...fields, command: primary, ...('error' in fields ? {} : { error }) });
    const needed = own?.method ?? 'GET';
    const isRight = needed === 'any' || request.method === needed || (own === undefined && request.method === 'HEAD');
    if (own === undefined && reading === undefined) return json(200, {}, `Unknown command: ${name}`);
    if (!isRight) return json(405, {}, `${primary} is asked for with ${needed}, not ${request.method}`);
    if (reading !== undefined) {
      if (!reading.always && !isServing()) return json(200, {}, NOT_SERVING);
      return json(200, reading.answer(facts, query));
    }
    const wantBody = (): void => {
      if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
    };
    try {
      await own?.run({ request, response, query, json, wantBody, keepWaiting: () => request.socket.setTimeout(0) });
    } catch (error) {
      failed(primary, error as Error);
      if (response.headersSent) response.destroy();
      else await json(500, {}, (error as Error).message);
    }
  }

  #list(): string {
    const names = [...READING_COMMANDS, ...this.#options.commands].map((command) => command.names[0]).sort();
    return names.map((name) => `<a href="${this.#options.commandUrl}/${name}">${name}</a>\n<br/>\n`).join('');
  }

  #ready(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reason = this.#options.unready();
    if (reason === null) return this.#text(request, response, 200, 'ok\n');
    return this.#text(request, response, 503, `not ready: ${reason}\n`);
  }

  async #json(request: IncomingMessage, response: ServerResponse, status: number, envelope: JsonFields): Promise<void> {
    response.statusCode = status;
    response.setHeader('Content-Type', 'application/json');
    const pieces = jsonPieces(envelope);
    const first = pieces.next().value as string;
    const second = pieces.next();
    leave(request, response);
    if (second.done) {
      response.setHeader('Content-Length', Buffer.byteLength(first));
      response.end(request.method === 'HEAD' ? undefined : first);
      return;
    }
    response.write(first);
    for (let piece: IteratorResult<string> = second; piece.done !== true; piece = pieces.next()) {
      if (response.destroyed) return;
      if (!response.write(piece.value)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      // Clients of the server come in between.
      else await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  }

  async #text(request: IncomingMessage, response: ServerResponse, status: number, text: string): Promise<void> {
    response.statusCode = status;
    response.setHeader('Content-Type', text.startsWith('<') ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8');
    response.setHeader('Content-Length', Buffer.byteLength(text));
    leave(request, response);
    response.end(request.method === 'HEAD' ? undefined : text);
  }
}

/** A body that was not read must not be taken for the next request: the connection ends, once its sender has had the answer. */
function leave(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || (request.headers['content-length'] ?? '0') === '0') {
    if (request.headers['transfer-encoding'] === undefined) return;
  }
  if (request.complete) return;
  response.setHeader('Connection', 'close');
  let left: number = LIMITS.unwantedBytes;
  request.on('data', (bytes: Buffer) => {
    left -= bytes.length;
    if (left < 0) request.destroy();
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
