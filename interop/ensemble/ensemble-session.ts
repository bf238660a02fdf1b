/** A session that lives on over lost connections: it goes from server to server and tells when a server knows it no more. */

import { setTimeout as pause } from 'node:timers/promises';
import { ErrorCode, encodeUtf8, type RequestBodies, type RequestName, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import { type Answer, ConnectionLost, RawSession, type SessionKey, SessionRefused } from '../crash/raw-session.ts';

/** The session is gone, although its client never let it: a fault of the servers, unless they were away for too long. */
export class SessionLost extends Error {
  constructor(name: string, id: bigint) {
    super(`${name}: session 0x${id.toString(16)} is lost`);
    this.name = 'SessionLost';
  }
}

export interface SessionOptions {
  /** Client ports. The first connection goes to the first one, later ones to the next that takes the session. */
  readonly ports: readonly number[];
  readonly sessionMs?: number;
  readonly silenceMs?: number;
}

/** Between two rounds over all servers, none of which took the session. */
const ROUND_PAUSE_MS = 10;

/** No server takes the session for so long: nothing to wait for any more. */
const NO_SERVER_MS = 60_000;

/** Errors after which the connection is of no use; whether the request was carried out is told by none of them. */
const BROKEN: ReadonlySet<number> = new Set([
  ErrorCode.connectionLoss,
  ErrorCode.sessionMoved,
  ErrorCode.operationTimeout,
  ErrorCode.requestTimeout,
]);

export class EnsembleSession {
  readonly name: string;
  key: SessionKey | null = null;
  /** The port of the latest connection. */
  port = 0;
  /** The largest zxid of any answer: a server that has less must not take the session. */
  seenZxid = 0;
  /** Connections made so far. */
  connections = 0;
  readonly #options: SessionOptions;
  #link: RawSession | null = null;
  #next = 0;
  #ended = false;

  constructor(name: string, options: SessionOptions) {
    this.name = name;
    this.#options = options;
  }

  /** Whether `end` was called. */
  get ended(): boolean {
    return this.#ended;
  }

  get id(): bigint {
    return this.key?.id ?? 0n;
  }

  /**
   * The live connection, made anew if need be, for as long as it takes.
   * @throws SessionLost; ConnectionLost once `end` was called; Error when no server takes the session for a minute
   */
  async link(): Promise<RawSession> {
    const { ports, sessionMs = 10_000, silenceMs = 3_000 } = this.#options;
    const deadline = performance.now() + NO_SERVER_MS;
    for (;;) {
      if (this.#ended) throw new ConnectionLost();
      if (performance.now() > deadline) throw new Error(`${this.name}: no server takes the session`);
      if (this.#link !== null && !this.#link.ended) return this.#link;
      this.#forget();
      this.port = ports[this.#next % ports.length] as number;
      try {
        this.#link = await RawSession.attach(this.port, this.key, this.seenZxid, { sessionMs, silenceMs });
      } catch (error) {
        if (error instanceof SessionRefused) throw new SessionLost(this.name, this.id);
        if (!(error instanceof ConnectionLost)) throw error;
        this.#next++;
        if (this.#next % ports.length === 0) await pause(ROUND_PAUSE_MS);
        continue;
      }
      this.key = this.#link.key;
      this.connections++;
      return this.#link;
    }
  }

  /**
   * Sends one request on the live connection.
   * @throws ConnectionLost when its outcome is unknown; the next call connects again, to another server
   */
  async ask<Name extends RequestName>(op: Name, body: RequestBodies[Name]): Promise<Answer<Name>> {
    return this.askOn(await this.link(), op, body);
  }

  /** As `ask`, on a connection of before: for requests that must follow each other on one. */
  async askOn<Name extends RequestName>(link: RawSession, op: Name, body: RequestBodies[Name]): Promise<Answer<Name>> {
    const answer = await link.request(op, body);
    this.seenZxid = Math.max(this.seenZxid, link.seenZxid);
    if (answer.error === ErrorCode.sessionExpired) throw new SessionLost(this.name, this.id);
    if (BROKEN.has(answer.error)) {
      link.destroy();
      throw new ConnectionLost();
    }
    return answer;
  }

  /** As `ask`, again and again until it is answered: for what may be done twice. */
  async askUntilAnswered<Name extends RequestName>(op: Name, body: RequestBodies[Name]): Promise<Answer<Name>> {
    for (;;) {
      try {
        return await this.ask(op, body);
      } catch (error) {
        if (!(error instanceof ConnectionLost) || this.#ended) throw error;
      }
    }
  }

  /** Creates a persistent znode unless it is there. */
  async ensure(path: string): Promise<void> {
    const { error } = await this.askUntilAnswered('create', creation(path, '', 0));
    if (error !== ErrorCode.ok && error !== ErrorCode.nodeExists) throw new Error(`${path} cannot be made: ${error}`);
  }

  /** Goes on with another server. */
  moveOn(): void {
    this.#forget();
    this.#next++;
  }

  /** Goes on with this server, or the next one if that does not take it. */
  moveTo(port: number): void {
    this.#forget();
    this.#next = this.#options.ports.indexOf(port);
  }

  /** Closes the session: its ephemerals are gone when this returns. */
  async close(): Promise<void> {
    await this.askUntilAnswered('closeSession', null);
    this.end();
  }

  /** Drops the connection and makes no other; the session is left to expire. */
  end(): void {
    this.#ended = true;
    this.#forget();
  }

  #forget(): void {
    if (this.#link === null) return;
    this.seenZxid = Math.max(this.seenZxid, this.#link.seenZxid);
    if (this.#link.ended) this.#next++;
    this.#link.destroy();
    this.#link = null;
  }
}

/** The body of a create with an open ACL. */
export function creation(path: string, text: string, flags: number): RequestBodies['create'] {
  return { path, data: encodeUtf8(text), acl: WORLD_ANYONE_ALL, flags };
}
