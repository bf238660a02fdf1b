import { type Client, type ClientOptions, connect, watchChildren } from '@headkeeper/client';
import { TestServer, type TestServerOptions } from '@headkeeper/testing';
import { Relay } from './relay.ts';

/** Long enough for no session to end by itself. */
const SESSION_TIMEOUT_MS = 30_000;

/** A server, its clients, and ways between them; all of it ends with the test. */
export class World {
  readonly server: TestServer;
  /** One of the test's own, to look and to meddle. */
  readonly observer: Client;
  readonly #clients: Client[] = [];
  readonly #relays: Relay[] = [];

  private constructor(server: TestServer, observer: Client) {
    this.server = server;
    this.observer = observer;
  }

  /** @param settings Of the server, as in zoo.cfg. */
  static async start(settings: TestServerOptions['settings'] = {}): Promise<World> {
    const server = await TestServer.start({ settings });
    return new World(server, await connect(server.connectString, { sessionTimeoutMs: SESSION_TIMEOUT_MS }));
  }

  async client(options: ClientOptions = {}, relay: Relay | null = null): Promise<Client> {
    const address = (relay ?? this.server).connectString;
    const client = await connect(address, { sessionTimeoutMs: SESSION_TIMEOUT_MS, ...options });
    this.#clients.push(client);
    return client;
  }

  clients(count: number): Promise<Client[]> {
    return Promise.all(Array.from({ length: count }, () => this.client()));
  }

  async relay(): Promise<Relay> {
    const relay = await Relay.to(this.server.port);
    this.#relays.push(relay);
    return relay;
  }

  /** Ends a client's session as if it had not been heard of. */
  expire(client: Client): Promise<void> {
    return this.server.expireSession(client.session.id);
  }

  /** Resolves with a znode's children as soon as there are so many; none when there is no such znode. */
  async children(path: string, count: number): Promise<readonly string[]> {
    for await (const state of watchChildren(this.observer, path)) {
      const names = state?.children ?? [];
      if (names.length === count) return [...names].sort();
    }
    throw new Error('the client was closed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#clients, this.observer].map((client) => client.close()));
    for (const relay of this.#relays) relay.close();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Resolves with the reason when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason));
  });
}
