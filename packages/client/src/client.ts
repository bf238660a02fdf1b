import {
  AddWatchMode,
  type RequestBodies,
  type RequestName,
  WatcherType,
  type Acl as WireAcl,
  CreateMode as WireCreateMode,
} from '@headkeeper/protocol';
import type { Operation } from './core/call.ts';
import type { CallOptions } from './core/call-options.ts';
import { Chroot } from './core/chroot.ts';
import { parseConnectString } from './core/connect-string.ts';
import { connectError, invalidArgument, isZooKeeperError } from './core/errors.ts';
import type { ClientEvent, ClientState } from './core/events.ts';
import {
  aclFault,
  createFault,
  dataFault,
  functionFault,
  identityFault,
  pathFault,
  refuse,
  versionFault,
} from './core/faults.ts';
import { type Operations, operationsFor } from './core/operations.ts';
import { Session } from './core/session.ts';
import type { ClientSettings } from './core/settings.ts';
import type { Watcher } from './core/watch-table.ts';
import {
  type AccessList,
  type Acl,
  bytesOf,
  type Children,
  type Created,
  type CreateMode,
  type DataInput,
  type Identity,
  OPEN_ACL,
  type Stat,
  ttlFlags,
  type Znode,
} from './core/znode.ts';
import { type Membership, parseMembership, type Reconfiguration, reconfigRequestOf } from './membership.ts';
import { MultiRead } from './multi-read.ts';
import type { SessionInfo } from './options.ts';
import type { ClientPorts, RequestTrace, Timer } from './ports.ts';
import { Transaction } from './transaction.ts';

const ANY_VERSION = -1;
const CONFIG_PATH = '/zookeeper/config';
/** Bytes a request counts for beside its data. */
const REQUEST_OVERHEAD = 64;
/** The longest that closing waits for the server's word, milliseconds. */
const LONGEST_CLOSE_MS = 5_000;
const UNIQUE_BYTES = 16;

export interface CreateOptions extends CallOptions {
  /** persistent unless given. */
  readonly mode?: CreateMode;
  /** `OPEN_ACL` unless given. */
  readonly acl?: readonly Acl[];
  /**
   * Makes a persistent znode one that the server removes when it was not changed for so many milliseconds and has no
   * children; 1 to 2^40 - 1. The servers must have extended types enabled.
   */
  readonly ttlMs?: number;
}

export interface VersionOptions extends CallOptions {
  /** The change is made only to this version; any, unless given. */
  readonly version?: number;
}

export interface ReadOptions extends CallOptions {
  /** Told once, when what was read has changed. Not set when the request fails. */
  readonly watch?: Watcher;
}

/** A watch that stays. */
export interface Watch {
  readonly path: string;
  /** No more events after this; resolves when the server knows. */
  remove(options?: CallOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A session with an ensemble, over as many connections as it takes. Make one with `connect`. Requests may be made without
 * waiting for one another: they are answered in order. All rejections are a ZooKeeperError.
 */
export class Client {
  readonly #ports: ClientPorts;
  readonly #settings: ClientSettings;
  readonly #chroot: Chroot;
  readonly #session: Session;
  readonly #operations: Operations;
  readonly #listeners: Set<(event: ClientEvent) => void> = new Set();

  /** @internal Use `connect`. */
  constructor(ports: ClientPorts, settings: ClientSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#chroot = new Chroot(settings.chroot);
    this.#session = new Session(ports, settings, this.#chroot, {
      event: (event) => this.#emit(event),
      watcherFailed: (error) => settings.log.warn?.({ error }, 'a watcher or listener has thrown'),
    });
    this.#operations = operationsFor(this.#chroot);
  }

  /** @internal Begins to connect; resolves with the session. */
  start(limitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const session = this.#session;
    return new Promise((resolve, reject) => {
      const over = (error: Error | null): void => {
        timer.cancel();
        this.#listeners.delete(listener);
        signal?.removeEventListener('abort', aborted);
        if (error === null) resolve();
        else {
          void this.close();
          reject(error);
        }
      };
      const listener = (event: ClientEvent): void => {
        if (event.type === 'connected') over(null);
        else if (event.type === 'authFailed') {
          over(connectError('authFailed', `the identity of scheme ${event.scheme} is refused`, session.lastFailure));
        } else if (event.type === 'sessionExpired' && !this.#settings.renewSession) {
          over(connectError('sessionExpired', 'the session to go on with has ended', null));
        }
      };
      const aborted = (): void => over(connectError('aborted', 'the signal was aborted', signal?.reason));
      const timer = this.#ports.after(limitMs, () => {
        const why = session.lastFailure?.message ?? 'no server answered';
        over(connectError('connectionLoss', `no session within ${limitMs} ms: ${why}`, session.lastFailure));
      });
      if (signal?.aborted === true) {
        aborted();
        return;
      }
      signal?.addEventListener('abort', aborted);
      this.#listeners.add(listener);
      session.start();
    });
  }

  get state(): ClientState {
    return this.#session.state;
  }

  /** The session; its id is 0n while there is none. */
  get session(): SessionInfo {
    const { id, password, timeoutMs, server } = this.#session;
    return { id, password: password.slice(), timeoutMs, server };
  }

  /**
   * For how many milliseconds from now no server can have ended the session, as far as answers have shown; 0: it may have
   * ended. What depends on an ephemeral is safe to do for that long.
   */
  get sessionCertainForMs(): number {
    return this.#session.certainForMs;
  }

  /** The highest zxid that an answer has shown. */
  get lastZxid(): number {
    return this.#session.lastZxid;
  }

  /** The path below which everything is, empty for none. */
  get chroot(): string {
    return this.#settings.chroot;
  }

  /** Monotonic milliseconds, for recipes: the clock that `after` goes by. */
  nowMs(): number {
    return this.#ports.nowMs();
  }

  /** Calls back once, `ms` milliseconds from now, unless the timer is cancelled; for recipes. */
  after(ms: number, call: () => void): Timer {
    return this.#ports.after(ms, call);
  }

  /** 32 hexadecimal digits that nobody else draws, for the names of recipes' znodes. */
  uniqueId(): string {
    let id = '';
    for (const byte of this.#ports.randomBytes(UNIQUE_BYTES)) id += byte.toString(16).padStart(2, '0');
    return id;
  }

  /** Requests that are not answered yet. */
  get pending(): number {
    return this.#session.pending;
  }

  /** Resolves when there is room for more requests: at once while less than half of `maxPending` is pending. */
  room(): Promise<void> {
    return this.#session.room();
  }

  /**
   * Hears of every change of state, until the returned function is called.
   *
   * @throws ZooKeeperError invalidArgument.
   */
  onEvent(listener: (event: ClientEvent) => void): () => void {
    refuse('onEvent', null, functionFault('the listener', listener));
    const own = (event: ClientEvent): void => listener(event);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /**
   * Creates a znode.
   *
   * @throws ZooKeeperError nodeExists, noNode (no parent), noChildrenForEphemerals, invalidACL, noAuth, quotaExceeded.
   */
  create(path: string, data: DataInput = null, options: CreateOptions = {}): Promise<Created> {
    const { mode = 'persistent', acl = OPEN_ACL, ttlMs } = options ?? {};
    const fault = createFault(path, mode, ttlMs) ?? dataFault(data) ?? aclFault(acl);
    if (fault !== null) return Promise.reject(invalidArgument('create', path, fault));
    const bytes = bytesOf(data);
    const body = {
      path: this.#chroot.whole(path),
      data: bytes,
      acl: acl as readonly WireAcl[],
      flags: WireCreateMode[mode],
    };
    if (ttlMs !== undefined) {
      const timed = { ...body, flags: ttlFlags(mode), ttl: ttlMs };
      return this.#call(this.#operations.createTTL, timed, path, bytes, options);
    }
    if (mode === 'container') return this.#call(this.#operations.createContainer, body, path, bytes, options);
    return this.#call(this.#operations.create, body, path, bytes, options);
  }

  /**
   * Deletes a znode.
   *
   * @throws ZooKeeperError noNode, notEmpty, badVersion, noAuth.
   */
  delete(path: string, options: VersionOptions = {}): Promise<void> {
    const version = options?.version ?? ANY_VERSION;
    return this.#checked('delete', path, versionFault(version), (whole) =>
      this.#call(this.#operations.delete, { path: whole, version }, path, null, options),
    );
  }

  /** The stat of a znode; null when there is none. The watch is told of its creation, too. */
  exists(path: string, options: ReadOptions = {}): Promise<Stat | null> {
    return this.#checked('exists', path, null, (whole) => this.#read(this.#operations.exists, whole, path, options));
  }

  /** @throws ZooKeeperError noNode, noAuth. */
  getData(path: string, options: ReadOptions = {}): Promise<Znode> {
    return this.#checked('getData', path, null, (whole) => this.#read(this.#operations.getData, whole, path, options));
  }

  /** @throws ZooKeeperError noNode, badVersion, noAuth, quotaExceeded. */
  setData(path: string, data: DataInput, options: VersionOptions = {}): Promise<Stat> {
    const version = options?.version ?? ANY_VERSION;
    return this.#checked('setData', path, dataFault(data) ?? versionFault(version), (whole) => {
      const bytes = bytesOf(data);
      return this.#call(this.#operations.setData, { path: whole, data: bytes, version }, path, bytes, options);
    });
  }

  /** Names of the children. @throws ZooKeeperError noNode, noAuth. */
  getChildren(path: string, options: ReadOptions = {}): Promise<Children> {
    return this.#checked('getChildren', path, null, (whole) =>
      this.#read(this.#operations.getChildren, whole, path, options),
    );
  }

  /** @throws ZooKeeperError noNode, noAuth. */
  getACL(path: string, options: CallOptions = {}): Promise<AccessList> {
    return this.#checked('getACL', path, null, (whole) =>
      this.#call(this.#operations.getACL, { path: whole }, path, null, options),
    );
  }

  /** @throws ZooKeeperError noNode, badVersion (of the list), invalidACL, noAuth. */
  setACL(path: string, acl: readonly Acl[], options: VersionOptions = {}): Promise<Stat> {
    const version = options?.version ?? ANY_VERSION;
    return this.#checked('setACL', path, aclFault(acl) ?? versionFault(version), (whole) =>
      this.#call(this.#operations.setACL, { path: whole, acl, version }, path, null, options),
    );
  }

  /** After this, reads show at least what had been written anywhere when it was called. */
  sync(path = '/', options: CallOptions = {}): Promise<void> {
    return this.#checked('sync', path, null, (whole) =>
      this.#call(this.#operations.sync, { path: whole }, path, null, options),
    );
  }

  /** Several changes that are made all or not at all. */
  transaction(): Transaction<readonly []> {
    return new Transaction([], {
      whole: (path) => this.#chroot.whole(path),
      below: (path) => this.#chroot.below(path),
      send: (ops, bytes, options) => this.#call(this.#operations.multi, { ops }, null, bytes, options),
    });
  }

  /** Several reads in one request; each may fail on its own. Servers from 3.6 on. */
  multiRead(): MultiRead<readonly []> {
    return new MultiRead([], {
      whole: (path) => this.#chroot.whole(path),
      send: (ops, options) => this.#call(this.#operations.multiRead, { ops }, null, null, options),
    });
  }

  /**
   * Watches a znode for as long as it takes, over reconnects: its creation, deletion, data and children. `recursive`: it
   * and all below it, without `childrenChanged`. The watcher hears `gap` after each reconnect. Servers from 3.6 on.
   */
  async addWatch(
    path: string,
    mode: 'persistent' | 'recursive',
    watcher: Watcher,
    options: CallOptions = {},
  ): Promise<Watch> {
    const isKnown = mode === 'persistent' || mode === 'recursive';
    const fault = isKnown
      ? functionFault('the watcher', watcher)
      : `the mode of a watch has to be persistent or recursive, not ${String(mode)}`;
    const operation = mode === 'persistent' ? this.#operations.addPersistentWatch : this.#operations.addRecursiveWatch;
    const wireMode = mode === 'persistent' ? AddWatchMode.persistent : AddWatchMode.persistentRecursive;
    // One function for each watch, so that the same watcher can be added twice and removed once.
    let isRemoved = false;
    const own: Watcher = (event) => (isRemoved ? undefined : watcher(event));
    const whole = await this.#checked('addWatch', path, fault, (serverPath) =>
      this.#call(operation, { path: serverPath, mode: wireMode }, path, null, options, own, serverPath).then(
        () => serverPath,
      ),
    );
    const remove = async (removeOptions: CallOptions = {}): Promise<void> => {
      isRemoved = true;
      const { watches } = this.#session;
      if (watches.remove(mode, whole, own) && watches.isIdle(whole, mode)) {
        await this.#removeAtServer(mode, path, whole, removeOptions);
      }
    };
    return { path, remove, [Symbol.asyncDispose]: () => remove() };
  }

  /** Whether the server holds a watch of this connection on the path. */
  hasWatch(path: string, kind: 'children' | 'data' | 'any', options: CallOptions = {}): Promise<boolean> {
    return this.#checked('checkWatches', path, kindFault(kind), (whole) =>
      this.#call(this.#operations.checkWatches, { path: whole, type: WatcherType[kind] }, path, null, options),
    );
  }

  /**
   * Removes the watches on the path, here and at the server: all of them, those that stay included, or those of one kind.
   *
   * @param options `local`: here, even if the server cannot be told.
   * @returns whether there were any.
   */
  async removeWatches(
    path: string,
    options: CallOptions & { readonly kind?: 'children' | 'data' | 'any'; readonly local?: boolean } = {},
  ): Promise<boolean> {
    const { kind = 'any', local = false } = options ?? {};
    return this.#checked('removeWatches', path, kindFault(kind), async (whole) => {
      const body = { path: whole, type: WatcherType[kind] };
      try {
        return await this.#call(this.#operations.endWatches[kind], body, path, null, options, null, whole);
      } catch (error) {
        if (!local) throw error;
        return this.#session.watches.removeAll(whole, kind);
      }
    });
  }

  /**
   * Gives up a watcher of a read, the same function on the same path: it hears nothing more but what is on its way to it.
   * Nothing happens when it has been told, or is not there. The server is not asked; what it has to say is left unheard.
   */
  unwatch(path: string, watcher: Watcher): void {
    this.#session.watches.removeOnce(this.#chroot.whole(path), watcher);
  }

  /** Paths of this session's ephemerals that begin with the prefix, such as `/locks/a`. Servers from 3.6 on. */
  getEphemerals(prefix = '/', options: CallOptions = {}): Promise<readonly string[]> {
    if (typeof prefix !== 'string' || !prefix.startsWith('/')) {
      return Promise.reject(invalidArgument('getEphemerals', null, 'the prefix does not start with /'));
    }
    return this.#call(
      this.#operations.getEphemerals,
      { prefixPath: this.#chroot.whole(prefix) },
      prefix,
      null,
      options,
    );
  }

  /** How many znodes there are below one. Servers from 3.6 on. */
  countDescendants(path: string, options: CallOptions = {}): Promise<number> {
    return this.#checked('countDescendants', path, null, (whole) =>
      this.#call(this.#operations.countDescendants, { path: whole }, path, null, options),
    );
  }

  /** Whom the server takes this connection for. Servers from 3.7 on. */
  whoAmI(options: CallOptions = {}): Promise<readonly Identity[]> {
    return this.#call(this.#operations.whoAmI, null, null, null, options);
  }

  /**
   * Shows another identity, now and on every later connection. If a server refuses it, the client is of no more use.
   *
   * @throws ZooKeeperError invalidArgument.
   */
  addAuth(scheme: string, auth: string | Uint8Array): void {
    refuse('addAuth', null, identityFault(scheme, auth));
    this.#session.addAuth({ scheme, auth: bytesOf(auth) as Uint8Array });
  }

  /** Who belongs to the ensemble. The path is the same under any chroot. */
  async getConfig(options: ReadOptions = {}): Promise<Membership> {
    const { data, stat } = await this.#read(this.#operations.getConfig, CONFIG_PATH, CONFIG_PATH, options);
    return parseMembership(data, stat);
  }

  /**
   * Changes who belongs to the ensemble.
   *
   * @throws ZooKeeperError noAuth, reconfigDisabled, newConfigNoQuorum, reconfigInProgress, badVersion, badArguments.
   */
  async reconfig(change: Reconfiguration, options: CallOptions = {}): Promise<Membership> {
    const { data, stat } = await this.#call(this.#operations.reconfig, reconfigRequestOf(change), null, null, options);
    return parseMembership(data, stat);
  }

  /**
   * Another list of servers, without a chroot. The client moves if its server is not in it, or with the chance that spreads
   * all clients evenly.
   *
   * @throws ZooKeeperError invalidArgument.
   */
  updateServers(connectString: string): void {
    const { servers, chroot } = parseConnectString(connectString);
    if (chroot !== '') throw invalidArgument('updateServers', null, 'the chroot of a client cannot be changed');
    this.#session.replaceServers(servers);
  }

  /** Ends the session; its ephemerals go. Requests made before are answered first, if the server answers at all. */
  close(): Promise<void> {
    return this.#session.close(this.#operations.close, Math.min(LONGEST_CLOSE_MS, this.#session.timeoutMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #removeAtServer(
    mode: 'persistent' | 'recursive',
    path: string,
    whole: string,
    options: CallOptions,
  ): Promise<void> {
    // All kinds at once is what every server understands.
    const isLast = this.#session.watches.isIdle(whole, 'any');
    const own = mode === 'persistent' ? WatcherType.persistent : WatcherType.persistentRecursive;
    const body = { path: whole, type: isLast ? WatcherType.any : own };
    try {
      await this.#call(this.#operations.removeWatches, body, path, null, options);
    } catch (error) {
      // Before 3.9 a kind cannot be removed alone: the server goes on telling, and nobody listens.
      if (!isZooKeeperError(error, 'marshallingError', 'connectionLoss', 'closed')) throw error;
    }
  }

  #read<Name extends 'exists' | 'getData' | 'getChildren2', Result>(
    operation: Operation<Name, Result>,
    whole: string,
    path: string,
    options: ReadOptions,
  ): Promise<Result> {
    const watcher = options?.watch ?? null;
    const body = { path: whole, watch: watcher !== null } as RequestBodies[Name];
    return this.#call(operation, body, path, null, options, watcher, whole);
  }

  #call<Name extends RequestName, Result>(
    operation: Operation<Name, Result>,
    body: RequestBodies[Name],
    path: string | null,
    data: Uint8Array | number | null,
    options: CallOptions | undefined,
    watcher: Watcher | null = null,
    whole: string | null = null,
  ): Promise<Result> {
    const size = REQUEST_OVERHEAD + (typeof data === 'number' ? data : (data?.length ?? 0));
    const session = this.#session;
    const { diagnostics } = this.#ports;
    if (!diagnostics.isActive) return session.call(operation, body, path, whole, size, options, watcher);
    const trace: RequestTrace = { operation: operation.name, path, server: session.server, sessionId: session.id };
    return diagnostics.trace(trace, () => session.call(operation, body, path, whole, size, options, watcher));
  }

  /** Runs a request with the path as the server knows it; what is wrong with it, or with the rest, becomes a rejection. */
  #checked<Result>(
    operation: string,
    path: string,
    fault: string | null,
    run: (whole: string) => Promise<Result>,
  ): Promise<Result> {
    const wrong = pathFault(path) ?? fault;
    return wrong === null ? run(this.#chroot.whole(path)) : Promise.reject(invalidArgument(operation, path, wrong));
  }

  #emit(event: ClientEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#settings.log.warn?.({ error }, 'a watcher or listener has thrown');
      }
    }
  }
}

function kindFault(kind: string): string | null {
  return Object.hasOwn(WatcherType, kind) ? null : `the kind of watches has to be children, data or any, not ${kind}`;
}
