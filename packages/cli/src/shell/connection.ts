import { type Client, type ClientOptions, connect, isZooKeeperError, ZooKeeperError } from '@headkeeper/client';

const FOREVER_MS = 0x7fffffff;

/** As the prompt shows it, Apache's words. */
export type ConnectionState = 'CONNECTING' | 'CONNECTED' | 'CONNECTEDREADONLY' | 'CLOSED' | 'AUTH_FAILED';

/** What the shell hears: `SyncConnected` and the like, Apache's words. */
export type StateListener = (change: string) => void;

/**
 * The shell's session: it begins to connect when it is opened, does not give up, and tells each change. A command does not
 * wait as long: it gives up when every server of the list has failed since it began.
 */
export class ShellConnection {
  readonly #options: ClientOptions;
  readonly #listener: StateListener;
  #client: Client | null = null;
  #connecting: Promise<Client> | null = null;
  #isOver = true;
  #hasFailedAuth = false;
  /** Ends the attempt to connect. */
  #attempt: AbortController = new AbortController();
  #serverCount = 0;
  /** Why each server could not be reached since the last command began. */
  #failures: Map<string, string> = new Map();
  #unreachable: AbortController = new AbortController();

  constructor(options: ClientOptions, listener: StateListener) {
    this.#options = options;
    this.#listener = listener;
  }

  get state(): ConnectionState {
    if (this.#hasFailedAuth) return 'AUTH_FAILED';
    if (this.#isOver) return 'CLOSED';
    switch (this.#client?.state) {
      case 'connected':
        return 'CONNECTED';
      case 'connectedReadOnly':
        return 'CONNECTEDREADONLY';
      case 'closed':
        return 'CLOSED';
      default:
        return 'CONNECTING';
    }
  }

  /** Whether commands can be tried at all. */
  get isAlive(): boolean {
    return this.state !== 'CLOSED' && this.state !== 'AUTH_FAILED';
  }

  /** The client, if there is a session. */
  get currentClient(): Client | null {
    return this.#client;
  }

  /** Begins to connect. @throws ZooKeeperError invalidArgument. */
  open(servers: string): void {
    this.#isOver = false;
    this.#hasFailedAuth = false;
    this.#serverCount = new Set(servers.replace(/\/.*$/s, '').split(',')).size;
    const attempt = new AbortController();
    this.#attempt = attempt;
    const connecting = connect(servers, {
      ...this.#options,
      connectTimeoutMs: FOREVER_MS,
      signal: attempt.signal,
      log: { debug: (facts) => this.#attemptFailed(facts) },
    });
    this.#connecting = connecting;
    connecting.then(
      (client) => {
        if (attempt.signal.aborted) void client.close();
        else this.#opened(client);
      },
      (error) => {
        if (attempt.signal.aborted) return;
        this.#isOver = true;
        if (isZooKeeperError(error, 'authFailed')) {
          this.#hasFailedAuth = true;
          this.#listener('AuthFailed');
        }
      },
    );
  }

  /** A command begins: aborted when every server has failed since. */
  begin(): AbortSignal {
    this.#failures = new Map();
    this.#unreachable = new AbortController();
    return this.#unreachable.signal;
  }

  /** The servers that could not be reached since the command began, with the reasons. */
  get failures(): readonly string[] {
    // A refused connection names its address itself.
    return [...this.#failures].map(([server, reason]) => (reason.startsWith(server) ? reason : `${server}: ${reason}`));
  }

  /** The client, once there is a session. @throws ZooKeeperError connectionLoss, authFailed, aborted. */
  async client(signal: AbortSignal): Promise<Client> {
    if (this.#client !== null) return this.#client;
    if (this.#connecting === null) throw this.#error('closed');
    const given = new Promise<never>((_, reject) => {
      const aborted = (): void => reject(this.#error('aborted'));
      if (signal.aborted) aborted();
      else signal.addEventListener('abort', aborted, { once: true });
    });
    return Promise.race([this.#connecting, given]);
  }

  /** Ends the session. @param tell whether the listener is to hear of it. */
  async close(tell: boolean): Promise<void> {
    this.#attempt.abort();
    const client = this.#client;
    const wasOpen = !this.#isOver;
    this.#client = null;
    this.#connecting = null;
    this.#isOver = true;
    this.#hasFailedAuth = false;
    await client?.close();
    if (tell && wasOpen && client !== null) this.#listener('Closed');
  }

  #opened(client: Client): void {
    this.#client = client;
    this.#listener(client.state === 'connectedReadOnly' ? 'ConnectedReadOnly' : 'SyncConnected');
    client.onEvent((event) => {
      if (this.#client !== client) return;
      switch (event.type) {
        case 'connected':
          this.#listener(event.readOnly ? 'ConnectedReadOnly' : 'SyncConnected');
          break;
        case 'disconnected':
          this.#listener('Disconnected');
          break;
        case 'sessionExpired':
          this.#listener('Expired');
          break;
        case 'authFailed':
          this.#hasFailedAuth = true;
          this.#listener('AuthFailed');
          break;
        default:
      }
    });
  }

  #attemptFailed(facts: object): void {
    const { server, reason } = facts as { readonly server?: unknown; readonly reason?: unknown };
    if (typeof server !== 'string' || typeof reason !== 'string') return;
    this.#failures.set(server, reason);
    if (this.#failures.size >= this.#serverCount) this.#unreachable.abort();
  }

  #error(code: 'closed' | 'aborted'): ZooKeeperError {
    return new ZooKeeperError({ code, operation: 'connect', path: null, outcome: 'not applied' });
  }
}
