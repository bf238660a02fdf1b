import { type Client, type ClientOptions, connect } from '@headkeeper/client';
import { TestServer } from '@headkeeper/testing';
import { Relay } from './relay.ts';

/** A server for one file of tests, and clients that are closed with it. */
export class ServedTests {
  readonly #clients: Client[] = [];
  readonly #relays: Relay[] = [];
  #server!: TestServer;

  async start(): Promise<void> {
    this.#server = await TestServer.start();
  }

  get connectString(): string {
    return this.#server.connectString;
  }

  async connect(options: ClientOptions = {}, connectString: string = this.connectString): Promise<Client> {
    const client = await connect(connectString, { sessionTimeoutMs: 4000, ...options });
    this.#clients.push(client);
    return client;
  }

  /** A client whose connection the test can break. */
  async connectThrough(options: ClientOptions = {}): Promise<{ client: Client; relay: Relay }> {
    const relay = await Relay.to(this.#server.port);
    this.#relays.push(relay);
    return { client: await this.connect(options, `127.0.0.1:${relay.port}`), relay };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const relay of this.#relays) relay.close();
    await this.#server.stop();
  }
}

/** Ends a client's session behind its back, as the servers do when they have not heard of it for too long. */
export async function endSession(client: Client, connectString: string): Promise<void> {
  const { id, password } = client.session;
  const other = await connect(connectString, { session: { id, password } });
  await other.close();
}
