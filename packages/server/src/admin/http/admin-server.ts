import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../../ports.ts';
import { NOT_SERVING } from '../four-letter.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../metrics/prometheus.ts';
import type { Access, Caller } from './access.ts';
import type { OwnCommand } from './command.ts';
import { type AdminTls, FrontDoor } from './front-door.ts';
import { type HealthCheck, healthReport } from './health.ts';
import { type JsonFields, jsonPieces } from './json-text.ts';
import { openApi } from './openapi.ts';
import { type Facts, READING_COMMANDS, type ReadingCommand } from './reading-commands.ts';

export interface AdminServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The path in front of the commands. */
  readonly commandUrl: string;
  readonly idleTimeoutMs: number;
  /** null: plain HTTP alone. */
  readonly tls: AdminTls | null;
  readonly clock: Clock;
  readonly access: Access;
  /** An address as access control lists spell it. */
  readonly addressOf: (remoteAddress: string) => string;
  readonly facts: Facts;
  /** Whether clients are served. */
  readonly isServing: () => boolean;
  readonly livez: readonly HealthCheck[];
  readonly readyz: readonly HealthCheck[];
  /** The exposition for Prometheus, at `/metrics`. */
  readonly metricsText: () => string;
  readonly commands: readonly OwnCommand[];
  readonly failed: (command: string, error: Error) => void;
  /** Hears of every call that does something, or that was refused. */
  readonly called: (facts: CallFacts) => void;
  /** A call has come without TLS. */
  readonly insecure: () => void;
}

/** A call that somebody has made, for the audit log. */
export interface CallFacts {
  readonly command: string;
  readonly method: string;
  readonly address: string;
  readonly user: string | null;
  readonly status: number;
}

/** Everything that callers can make it hold, or do, has its limit. Sizes in bytes, times in milliseconds. */
const LIMITS = {
  connections: 64,
  headerBytes: 16_384,
  headersMs: 10_000,
  requestsOfConnection: 1000,
  /** A body that nobody wants is read this far, so that its sender hears the answer. */
  unwantedBytes: 16_777_216,
  /** Requests of all callers together; more are answered 429. */
  requestsASecond: 500,
  /** Large answers that wait for the one that is being made; more are answered 429. */
  largeAnswersWaiting: 8,
} as const;

/** Answers that can be as large as what all clients hold: one is made at a time. */
const LARGE: ReadonlySet<string> = new Set(['connections', 'dump', 'stats', 'watches', 'watches_by_path']);
/** Commands that read everything there is. */
const TAKES_EVERYTHING: ReadonlySet<string> = new Set(['snapshot']);
const DESCRIPTION = '/openapi.json';

/**
 * The operators' HTTP server: the commands of Apache ZooKeeper's AdminServer (feature inventory, section B.2), those that only
 * Headkeeper has, `/livez` and `/readyz`, and the description of all of it. It answers in the server's own thread, large answers
 * piece by piece.
 */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #door: FrontDoor;
  readonly #own: Map<string, OwnCommand> = new Map();
  #large: Promise<void> = Promise.resolve();
  #largeWaiting = 0;
  #secondEndsMs = 0;
  #requestsOfSecond = 0;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    for (const command of options.commands) for (const name of command.names) this.#own.set(name, command);
    this.#door = new FrontDoor({
      host: options.host,
      port: options.port,
      http: {
        maxHeaderSize: LIMITS.headerBytes,
        headersTimeout: LIMITS.headersMs,
        // A body may take as long as it goes on coming.
        requestTimeout: 0,
        keepAliveTimeout: options.idleTimeoutMs,
        connectionsCheckingInterval: 1000,
      },
      idleTimeoutMs: options.idleTimeoutMs,
      requestsOfConnection: LIMITS.requestsOfConnection,
      connections: LIMITS.connections,
      tls: options.tls,
      handle: (request, response) => {
        this.#handle(request, response).catch((error: Error) => {
          options.failed(request.url ?? '', error);
          response.destroy();
        });
      },
    });
  }

  /** Where it listens. Throws the operating system's error. */
  listen(): Promise<{ readonly host: string; readonly port: number }> {
    return this.#door.listen();
  }

  /** Closes the port and every connection. */
  stop(): void {
    this.#door.stop();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.socket.setTimeout(this.#options.idleTimeoutMs);
    const { method } = request;
    response.on('error', () => {});
    request.on('error', () => {});
    if (method === 'TRACE') return this.#text(request, response, 403, '');
    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return this.#text(request, response, 405, '');
    const [path = '', ...rest] = (request.url ?? '').split('?');
    const query = new URLSearchParams(rest.join('?'));
    const { commandUrl, livez, readyz } = this.#options;
    const [, health, check = null] = /^\/(livez|readyz)(?:\/([\w-]+))?$/.exec(path) ?? [];
    if (health !== undefined) return this.#health(request, response, health === 'livez' ? livez : readyz, check, query);
    if (this.#isTooMuch()) {
      response.setHeader('Retry-After', 1);
      return this.#text(request, response, 429, 'too many requests\n');
    }
    const caller = this.#callerOf(request);
    if (!caller.isSecure) this.#options.insecure();
    const isCommand = path.startsWith(`${commandUrl}/`) && path.length > commandUrl.length + 1;
    if (isCommand) return this.#command(decoded(path.slice(commandUrl.length + 1)), request, response, query, caller);
    const refusal = this.#options.access.readingRefusal(caller, request.headers.authorization);
    if (refusal !== null) return this.#text(request, response, refusal.status, `${refusal.error}\n`);
    if (path === '/metrics')
      return this.#text(request, response, 200, this.#options.metricsText(), PROMETHEUS_CONTENT_TYPE);
    if (path === commandUrl || path === `${commandUrl}/`) return this.#text(request, response, 200, this.#list());
    if (path === DESCRIPTION) return this.#json(request, response, 200, openApi(commandUrl, this.#options.commands));
    return this.#text(request, response, 404, `commands are at ${commandUrl}\n`);
  }

  #callerOf({ socket, headers }: IncomingMessage): Caller {
    const { access, addressOf } = this.#options;
    const connection = {
      address: addressOf(socket.remoteAddress ?? ''),
      isEncrypted: (socket as TLSSocket).encrypted === true,
      proved: this.#door.identitiesOf(socket),
    };
    return access.callerOf(connection, headers);
  }

  #isTooMuch(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs >= this.#secondEndsMs) {
      this.#secondEndsMs = nowMs + 1000;
      this.#requestsOfSecond = 0;
    }
    return ++this.#requestsOfSecond > LIMITS.requestsASecond;
  }

  async #command(
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
    caller: Caller,
  ): Promise<void> {
    const { access, failed } = this.#options;
    const own = this.#own.get(name);
    const reading = READING_COMMANDS.find(({ names }) => names.includes(name));
    const primary = own?.names[0] ?? reading?.names[0] ?? name;
    const json = (status: number, fields: JsonFields, error: string | null = null): Promise<void> => {
      if (own !== undefined) this.#tell(own, request, status, caller);
      return this.#json(request, response, status, {
        ...fields,
        command: primary,
        ...('error' in fields ? {} : { error }),
      });
    };
    const needed = own?.method ?? 'GET';
    const isRight = needed === 'any' || request.method === needed || (own === undefined && request.method === 'HEAD');
    const refusal = access.readingRefusal(caller, request.headers.authorization);
    if (refusal !== null) return json(refusal.status, {}, refusal.error);
    if (own === undefined && reading === undefined) return json(200, {}, `Unknown command: ${name}`);
    if (!isRight) return json(405, {}, `${primary} is asked for with ${needed}, not ${request.method}`);
    if (reading !== undefined) return this.#read(reading, query, json);
    const wantBody = (): void => {
      if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue();
    };
    const keepWaiting = (): void => void request.socket.setTimeout(0);
    try {
      await own?.run({ request, response, query, caller, json, wantBody, keepWaiting });
    } catch (error) {
      failed(primary, error as Error);
      if (response.headersSent) response.destroy();
      else await json(500, {}, (error as Error).message);
    }
    if (own !== undefined && response.headersSent) this.#tell(own, request, response.statusCode, caller);
  }

  async #read(
    reading: ReadingCommand,
    query: URLSearchParams,
    json: (status: number, fields: JsonFields, error?: string) => Promise<void>,
  ): Promise<void> {
    const { facts, isServing } = this.#options;
    if (!reading.always && !isServing()) return json(200, {}, NOT_SERVING);
    if (!LARGE.has(reading.names[0])) return json(200, reading.answer(facts, query));
    if (this.#largeWaiting >= LIMITS.largeAnswersWaiting) return json(429, {}, 'too many large answers are asked for');
    this.#largeWaiting++;
    const answered = this.#large.then(() => {
      this.#largeWaiting--;
      return json(200, reading.answer(facts, query));
    });
    this.#large = answered.catch(() => {});
    return answered;
  }

  /** Once for each call. */
  #tell(own: OwnCommand, request: IncomingMessage, status: number, caller: Caller): void {
    const method = request.method ?? '';
    const isAnswered = this.#told.has(request);
    if (isAnswered || (method !== 'POST' && status < 400 && !TAKES_EVERYTHING.has(own.names[0]))) return;
    this.#told.add(request);
    const user = this.#options.access.nameOf(caller, request.headers.authorization);
    this.#options.called({ command: own.names[0], method, address: caller.address, user, status });
  }

  readonly #told: WeakSet<IncomingMessage> = new WeakSet();

  #list(): string {
    const names = [...READING_COMMANDS, ...this.#options.commands].map((command) => command.names[0]).sort();
    return names.map((name) => `<a href="${this.#options.commandUrl}/${name}">${name}</a>\n<br/>\n`).join('');
  }

  async #health(
    request: IncomingMessage,
    response: ServerResponse,
    checks: readonly HealthCheck[],
    only: string | null,
    query: URLSearchParams,
  ): Promise<void> {
    const report = await healthReport(checks, only, query);
    if (report === null) return this.#text(request, response, 404, 'there is no such check\n');
    return this.#text(request, response, report.isWell ? 200 : 503, report.text);
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

  async #text(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    text: string,
    type: string = text.startsWith('<') ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
  ): Promise<void> {
    response.statusCode = status;
    response.setHeader('Content-Type', type);
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
