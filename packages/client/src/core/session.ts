import { type ConnectResponse, ErrorCode, type RequestBodies, type RequestName } from '@headkeeper/protocol';
import type { ClientPorts, ServerAddress, Timer } from '../ports.ts';
import { Backlog } from './backlog.ts';
import { bindCall, Call, CallState, type Operation } from './call.ts';
import type { CallOptions } from './call-options.ts';
import type { Chroot } from './chroot.ts';
import { formatServer } from './connect-string.ts';
import { Connection, type ConnectionListener, RequestNumbers } from './connection.ts';
import { Dialer } from './dialer.ts';
import type { Outcome, ZooKeeperErrorCode } from './errors.ts';
import type { ClientEvent, ClientState } from './events.ts';
import { callFault, functionFault } from './faults.ts';
import { internalCall, SET_WATCHES, SET_WATCHES2 } from './internal-calls.ts';
import { Liveness } from './liveness.ts';
import { SaslExchange } from './sasl-exchange.ts';
import { ServerRing } from './server-ring.ts';
import type { AuthInfo, ClientSettings } from './settings.ts';
import { settle } from './settle.ts';
import { type WatchEvent, type Watcher, WatchTable, watchEventTypeOf } from './watch-table.ts';
import { WritableSearch } from './writable-search.ts';

const NO_PASSWORD = new Uint8Array(16);
const PASSWORD_BYTES = 16;
/** Paths in one setWatches request, bytes (client-protocol reference, 6.5). */
const WATCHES_PIECE_BYTES = 128 * 1024;
/** On how many connections a read is tried: it may be the read that they break on. */
const MOST_TIMES_SENT = 5;
export interface SessionListener {
  event(event: ClientEvent): void;
  /** A watcher has thrown; the client goes on. */
  watcherFailed(error: unknown): void;
}

/**
 * A session over changing connections (client-protocol reference, 7): finds servers, keeps the session alive, brings
 * requests over and watches back. It makes no promises and knows no socket: the world comes in through its ports.
 */
export class Session {
  readonly watches: WatchTable = new WatchTable();
  readonly #ports: ClientPorts;
  readonly #settings: ClientSettings;
  readonly #chroot: Chroot;
  readonly #listener: SessionListener;
  readonly #ring: ServerRing;
  readonly #auth: AuthInfo[];
  readonly #backlog: Backlog;
  readonly #liveness: Liveness;
  readonly #dialer: Dialer;
  #state: ClientState = 'connecting';
  #connection: Connection | null = null;
  /** The session is established on `#connection`. */
  #isAttached = false;
  /** Requests may go out: the identities are known to the server. */
  #isReady = false;
  #sasl: SaslExchange | null = null;
  #authsDue: string[] = [];
  #id = 0n;
  #password: Uint8Array = NO_PASSWORD;
  #timeoutMs: number;
  readonly #numbers: RequestNumbers = new RequestNumbers();
  #lastZxid = 0;
  /** The session is known to all servers, not to a read-only one alone. */
  #isGlobal = false;
  #wasAttached = false;
  #isUncertain = false;
  /** The caller wants no more of this client. */
  #isClosing = false;
  #closeLimit: Timer | null = null;
  #search: WritableSearch | null = null;
  #lastFailure: Error | null = null;
  #whenClosed: (() => void) | null = null;

  constructor(ports: ClientPorts, settings: ClientSettings, chroot: Chroot, listener: SessionListener) {
    this.#chroot = chroot;
    this.#ports = ports;
    this.#settings = settings;
    this.#listener = listener;
    this.#ring = new ServerRing(settings.servers, (limit) => ports.random(limit));
    this.#auth = [...settings.auth];
    this.#backlog = new Backlog(
      ports,
      settings,
      () => this.#connection?.inFlight,
      () => this.#lastFailure,
      (call) => {
        if (call.watcher !== null) this.watches.unclaim(call.serverPath as string);
      },
    );
    this.#liveness = new Liveness(ports, {
      silent: () => {
        const { server } = this.#connection as Connection;
        this.#dropConnection(new Error(`${formatServer(server)} is silent`));
        this.#again();
      },
      uncertain: () => this.#becameUncertain(),
    });
    this.#timeoutMs = settings.sessionTimeoutMs;
    this.#dialer = new Dialer(ports, this.#ring, () => this.#timeoutMs, {
      dial: (ip, server) => this.#dial(ip, server),
      tooSlow: (reason) => this.#dropConnection(reason),
      noServer: (server, reason) => {
        this.#lastFailure = reason;
        settings.log.debug?.({ server: formatServer(server), reason: reason.message }, 'no connection');
      },
    });
    if (settings.session !== null) {
      this.#id = settings.session.id;
      this.#password = settings.session.password;
      this.#isGlobal = true;
    }
  }

  get state(): ClientState {
    return this.#state;
  }

  get id(): bigint {
    return this.#id;
  }

  get password(): Uint8Array {
    return this.#password;
  }

  /** The timeout granted, milliseconds; before there is a session the one asked for. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  get lastZxid(): number {
    return this.#lastZxid;
  }

  get server(): ServerAddress | null {
    return this.#isAttached ? (this.#connection as Connection).server : null;
  }

  /** Requests without an answer, sent or not. */
  get pending(): number {
    return this.#backlog.pending;
  }

  /** What last went wrong with a connection. */
  get lastFailure(): Error | null {
    return this.#lastFailure;
  }

  /** For how long from now the session lives for certain, milliseconds; 0 when there is none or it may have ended. */
  get certainForMs(): number {
    return this.#id === 0n || this.#isOver ? 0 : this.#liveness.certainForMs;
  }

  get #isOver(): boolean {
    return this.#state === 'closed' || this.#state === 'authFailed';
  }

  start(): void {
    this.#dialer.begin(true);
  }

  /** Brings a request to a server. Everything that can be said against it comes as a rejection. */
  call<Name extends RequestName, Result>(
    operation: Operation<Name, Result>,
    body: RequestBodies[Name],
    path: string | null,
    serverPath: string | null,
    bytes: number,
    options: CallOptions | undefined,
    watcher: Watcher | null,
  ): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const call = new Call({
        operation: operation as unknown as Operation,
        body,
        path,
        serverPath,
        bytes,
        watcher,
        session: options?.session ?? null,
        resolve: resolve as (result: unknown) => void,
        reject,
        isInternal: false,
        dueAt:
          options?.timeoutMs === undefined
            ? this.#ports.nowMs() + this.#settings.requestTimeoutMs
            : Number.POSITIVE_INFINITY,
      });
      const fault = callFault(options) ?? (watcher === null ? null : functionFault('the watcher', watcher));
      if (fault !== null) {
        call.failWith('invalidArgument', 'not applied', { detail: fault });
        return;
      }
      const refusal = this.#refusal(options?.signal);
      if (refusal !== null) {
        call.failWith(refusal.code, 'not applied', refusal.more);
        return;
      }
      if (options !== undefined && (options.signal !== undefined || options.timeoutMs !== undefined)) {
        bindCall(
          call,
          options,
          (ms, fn) => this.#ports.after(ms, fn),
          (given, wasSent) => this.#backlog.gaveUp(given, wasSent),
        );
      }
      this.#accept(call);
    });
  }

  /** Resolves when less than half of the allowed requests are pending. */
  room(): Promise<void> {
    return this.#backlog.room();
  }

  /** Shows another identity to this server and all later ones. */
  addAuth(info: AuthInfo): void {
    this.#auth.push(info);
    if (this.#isReady) this.#showIdentity(this.#connection as Connection, info);
  }

  /** Another list of servers; moves at once if that balances the clients. */
  replaceServers(servers: readonly ServerAddress[]): void {
    const current = this.server;
    if (this.#ring.replace(servers, current) && current !== null) {
      this.#dropConnection(new Error('another server was chosen'));
      this.#dialer.begin(false);
    }
  }

  /** Ends the session at the server, if one can be reached, and everything here. Resolves when it is over. */
  close(closeCall: Operation<'closeSession', void>, limitMs: number): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const previous = this.#whenClosed;
      this.#whenClosed = () => {
        previous?.();
        resolve();
      };
      if (this.#isClosing) return;
      this.#isClosing = true;
      const over = (): void => this.#end('closed', 'closed');
      if (!this.#isReady) {
        over();
        return;
      }
      this.#closeLimit = this.#ports.after(limitMs, over);
      this.#accept(internalCall(closeCall, null, over, over));
    });
  }

  #refusal(
    signal: AbortSignal | undefined,
  ): { code: ZooKeeperErrorCode; more: { cause?: unknown; detail?: string } } | null {
    if (this.#isClosing || this.#state === 'closed') {
      return { code: 'closed', more: { detail: 'the client was closed' } };
    }
    if (this.#state === 'authFailed') return { code: 'authFailed', more: { detail: 'a server refused an identity' } };
    if (signal?.aborted === true) return { code: 'aborted', more: { cause: signal.reason } };
    const { fullness } = this.#backlog;
    if (fullness !== null) return { code: 'tooManyPending', more: { detail: fullness } };
    return null;
  }

  #accept(call: Call): void {
    if (!call.isInternal) this.#backlog.add(call);
    if (call.watcher !== null) this.watches.claim(call.serverPath as string);
    if (this.#isReady && this.#backlog.queue.size === 0 && (this.#connection as Connection).hasRoom) this.#send(call);
    else this.#backlog.queue.push(call);
  }

  #send(call: Call): void {
    if (call.isSettled) return;
    if (call.session !== null && call.session !== this.#id) {
      call.failWith('sessionExpired', 'not applied', { detail: 'another session has begun' });
      this.#backlog.remove(call);
      return;
    }
    const fault = (this.#connection as Connection).send(call);
    if (fault === null) return;
    call.failWith('invalidArgument', 'not applied', { detail: fault });
    this.#backlog.remove(call);
  }

  #sendQueued(): void {
    const connection = this.#connection as Connection;
    while (this.#isReady && connection.hasRoom) {
      const call = this.#backlog.queue.shift();
      if (call === undefined) return;
      this.#send(call);
    }
  }

  // Connecting.

  #dial(ip: string, server: ServerAddress): void {
    const lost = (reason: Error | null): void => {
      const wasAttached = this.#isAttached;
      this.#dropConnection(reason);
      if (wasAttached) this.#again();
      else this.#dialer.failed(this.#lastFailure as Error);
    };
    const listener = this.#connectionListener(() => connection, lost);
    const connection: Connection = new Connection(this.#ports, ip, server, this.#settings, this.#numbers, listener);
    this.#connection = connection;
  }

  /** After a session's connection is lost: another one, unless the session was to be closed anyway. */
  #again(): void {
    if (this.#isClosing) this.#end('closed', 'closed');
    else this.#dialer.begin(false);
  }

  #connectionListener(connection: () => Connection, lost: (reason: Error | null) => void): ConnectionListener {
    return {
      opened: () => {
        const keeps = this.#keepsSession;
        connection().handshake({
          protocolVersion: 0,
          lastZxidSeen: this.#lastZxid,
          timeOut: this.#settings.sessionTimeoutMs,
          sessionId: keeps ? this.#id : 0n,
          passwd: keeps ? this.#password : NO_PASSWORD,
          readOnly: this.#settings.readOnly,
        });
      },
      attached: (response) => this.#attached(connection(), response),
      answered: (call, error, zxid, body) => this.#answered(call, error, zxid, body),
      garbled: (call, reason) => {
        const detail = `the answer makes no sense: ${reason.message}`;
        call.failWith('marshallingError', call.operation.isWrite ? 'applied' : 'not applied', {
          detail,
          cause: reason,
        });
        this.#backlog.remove(call);
      },
      tooLong: (call) => {
        const detail = `the answer is longer than maxReplyBytes (${this.#settings.maxReplyBytes})`;
        call.failWith('marshallingError', call.outcomeIfGivenUp, { detail });
        this.#backlog.remove(call);
      },
      authAnswered: (error) => this.#authAnswered(error),
      ponged: (error) => this.#ponged(error),
      event: (type, path, zxid) => this.#eventCame(type, path, zxid),
      drained: () => this.#sendQueued(),
      lost,
    };
  }

  /** Whether there is a session to go on with, known to all servers and not to a read-only one alone. */
  get #keepsSession(): boolean {
    return this.#id !== 0n && this.#isGlobal;
  }

  #attached(connection: Connection, response: ConnectResponse): void {
    if (response.timeOut <= 0) {
      // A server without a quorum may not have heard of a session that lives.
      const isCredible = response.readOnly !== true || this.certainForMs === 0;
      if (this.#keepsSession && isCredible) this.#expired();
      else {
        this.#dropConnection(new Error('the server gave no session'));
        this.#dialer.failed(this.#lastFailure as Error);
      }
      return;
    }
    this.#dialer.succeeded();
    this.#isAttached = true;
    const isNewSession = response.sessionId !== this.#id;
    const isRead = response.readOnly === true;
    this.#isUncertain = false;
    this.#id = response.sessionId;
    this.#password = response.passwd?.slice() ?? NO_PASSWORD;
    if (this.#password.length !== PASSWORD_BYTES) this.#password = NO_PASSWORD;
    this.#timeoutMs = response.timeOut;
    this.#isGlobal ||= !isRead;
    this.#liveness.attached(connection, this.#timeoutMs);
    const begin = (): void => this.#begin(connection, isNewSession, isRead);
    if (this.#settings.sasl === null) begin();
    else {
      this.#sasl = new SaslExchange(this.#settings.sasl(), (call) => connection.send(call), {
        done: begin,
        failed: (error) => this.#authFailed('sasl', error),
      });
    }
  }

  /** The server knows who we are about to be: identities, then watches, then requests (client-protocol reference, 2.6). */
  #begin(connection: Connection, isNewSession: boolean, isReadOnly: boolean): void {
    if (this.#connection !== connection) return;
    this.#sasl = null;
    this.#authsDue = [];
    for (const info of this.#auth) this.#showIdentity(connection, info);
    this.#restoreWatches(connection);
    this.#isReady = true;
    this.#liveness.ready(connection);
    this.#state = isReadOnly ? 'connectedReadOnly' : 'connected';
    const hadConnection = this.#wasAttached;
    this.#wasAttached = true;
    const { server } = connection;
    this.#settings.log.info?.(
      { server: formatServer(server), session: `0x${this.#id.toString(16)}`, timeoutMs: this.#timeoutMs, isReadOnly },
      isNewSession ? 'session established' : 'session goes on',
    );
    if (isReadOnly) this.#searchWritable();
    this.#listener.event({ type: 'connected', server, sessionId: this.#id, readOnly: isReadOnly, isNewSession });
    if (hadConnection) {
      for (const [path, watcher] of this.watches.persistent()) {
        this.#tell(watcher, { type: 'gap', path: this.#chroot.below(path), zxid: null });
      }
    }
    if (this.#connection === connection) this.#sendQueued();
  }

  #restoreWatches(connection: Connection): void {
    const relativeZxid = this.#lastZxid;
    for (const { data, exists, children, persistent, recursive } of this.watches.pieces(WATCHES_PIECE_BYTES)) {
      const once = { relativeZxid, dataWatches: data, existWatches: exists, childWatches: children };
      const call =
        persistent.length === 0 && recursive.length === 0
          ? internalCall(SET_WATCHES, once)
          : internalCall(SET_WATCHES2, {
              ...once,
              persistentWatches: persistent,
              persistentRecursiveWatches: recursive,
            });
      connection.send(call);
    }
  }

  #searchWritable(): void {
    this.#search = new WritableSearch(this.#ports, this.#ring, (server) => {
      this.#search = null;
      this.#ring.prefer(server);
      this.#dropConnection(new Error('a server with a quorum was found'));
      this.#dialer.begin(true);
    });
  }

  // What comes from the server.

  #answered(call: Call, error: number, zxid: number, body: unknown): void {
    const { operation } = call;
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
    // SASL does not touch the session, and one that has ended does not answer for itself.
    if (operation.name !== 'sasl' && error !== ErrorCode.sessionExpired) this.#wasUseful(call.sentAt);
    this.#backlog.remove(call);
    if (!call.isSettled) settle(call, error, body, this.watches);
    if (error === ErrorCode.sessionClosedRequireSaslAuth) this.#authRequired();
  }

  #ponged(error: number): void {
    if (error === ErrorCode.sessionClosedRequireSaslAuth) this.#authRequired();
    else this.#liveness.ponged();
    this.#ring.wasUseful();
  }

  #wasUseful(sentAt: number): void {
    this.#liveness.confirm(sentAt);
    this.#ring.wasUseful();
  }

  /** The server closes the connection, and would do so with every other one. */
  #authRequired(): void {
    this.#authFailed('sasl', new Error('the server wants another identity than those shown, such as one by SASL'));
  }

  #eventCame(typeNumber: number, serverPath: string, zxid: number): void {
    const type = watchEventTypeOf(typeNumber);
    if (type === undefined) return;
    const path = this.#chroot.below(serverPath);
    const event: WatchEvent = { type, path, zxid: zxid > 0 ? zxid : null };
    for (const watcher of this.watches.take(type, serverPath)) this.#tell(watcher, event);
  }

  /**
   * Tells of an event behind the answers that came before it, and before those that come after: an answer reaches its
   * caller as a promise, so the event takes the same way.
   */
  #tell(watcher: Watcher, event: WatchEvent): void {
    Promise.resolve(event)
      .then(watcher)
      .catch((error: unknown) => this.#listener.watcherFailed(error));
  }

  #showIdentity(connection: Connection, { scheme, auth }: AuthInfo): void {
    this.#authsDue.push(scheme);
    connection.sendAuth(scheme, auth);
  }

  #authAnswered(error: number): void {
    const scheme = this.#authsDue.shift() ?? '';
    if (error !== ErrorCode.ok) this.#authFailed(scheme, null);
  }

  #authFailed(scheme: string, cause: Error | null): void {
    this.#settings.log.warn?.({ scheme, reason: cause?.message }, 'a server refused an identity');
    this.#lastFailure = cause ?? new Error(`a server refused the identity of scheme ${scheme}`);
    this.#listener.event({ type: 'authFailed', scheme });
    this.#end('authFailed', 'authFailed');
  }

  #becameUncertain(): void {
    if (this.#id === 0n || this.#isUncertain) return;
    this.#isUncertain = true;
    this.#listener.event({ type: 'sessionUncertain', sessionId: this.#id });
  }

  // Ends.

  #dropConnection(reason: Error | null): void {
    const connection = this.#connection;
    if (connection === null) return;
    const wasAttached = this.#isAttached;
    const wasReady = this.#isReady;
    this.#connection = null;
    this.#isAttached = false;
    this.#isReady = false;
    this.#sasl?.abandon();
    this.#sasl = null;
    this.#search?.stop();
    this.#search = null;
    connection.close();
    this.#lastFailure = new Error(
      `${formatServer(connection.server)}: ${reason?.message ?? 'the server closed the connection'}`,
      reason === null ? {} : { cause: reason },
    );
    const again: Call[] = [];
    for (const call of connection.inFlight.drain()) {
      if (call.isInternal) continue;
      if (call.isSettled) this.#backlog.remove(call);
      else if (call.operation.isWrite) this.#giveUp(call, 'connectionLoss', 'unknown');
      else if (call.timesSent >= MOST_TIMES_SENT) this.#giveUp(call, 'connectionLoss', 'not applied');
      else {
        call.state = CallState.queued;
        again.push(call);
      }
    }
    if (again.length > 0) this.#backlog.queue.unshift(again);
    if (this.#isOver || !wasAttached) {
      if (!this.#isOver) this.#liveness.detached();
      return;
    }
    this.#state = 'connecting';
    this.#settings.log.info?.({ reason: this.#lastFailure.message }, 'connection lost');
    if (wasReady) this.#listener.event({ type: 'disconnected', reason: this.#lastFailure });
    this.#liveness.detached();
  }

  #giveUp(call: Call, code: ZooKeeperErrorCode, outcome: Outcome): void {
    if (call.isSettled) return;
    call.failWith(code, outcome, this.#lastFailure === null ? {} : { cause: this.#lastFailure });
    this.#backlog.remove(call);
  }

  #expired(): void {
    const sessionId = this.#id;
    this.#id = 0n;
    this.#password = NO_PASSWORD;
    this.#isGlobal = false;
    this.#isUncertain = false;
    this.#dropConnection(new Error('the session has expired'));
    this.#liveness.ended();
    this.#settings.log.warn?.({ session: `0x${sessionId.toString(16)}` }, 'session expired');
    this.#listener.event({ type: 'sessionExpired', sessionId });
    if (this.#isOver) return;
    if (this.#settings.renewSession) {
      for (const call of this.#backlog.queue.drain()) {
        if (call.session === sessionId) this.#giveUp(call, 'sessionExpired', 'not applied');
        else this.#backlog.queue.push(call);
      }
      this.#dialer.begin(true);
    } else this.#end('closed', 'sessionExpired');
  }

  #end(state: 'closed' | 'authFailed', code: ZooKeeperErrorCode): void {
    if (this.#isOver) return;
    this.#state = state;
    this.#dialer.stop();
    this.#closeLimit?.cancel();
    const inFlight = this.#connection?.inFlight.drain() ?? [];
    this.#dropConnection(new Error('the client is closed'));
    this.#liveness.ended();
    for (const call of inFlight) if (call.isSettled) this.#backlog.remove(call);
    for (const call of [...inFlight, ...this.#backlog.queue.drain()]) {
      if (!call.isInternal) this.#giveUp(call, code, call.outcomeIfGivenUp);
    }
    this.#backlog.end();
    for (const [path, watcher] of this.watches.takeAll()) {
      this.#tell(watcher, { type: 'closed', path: this.#chroot.below(path), zxid: null });
    }
    this.#listener.event({ type: 'closed' });
    this.#whenClosed?.();
  }
}
