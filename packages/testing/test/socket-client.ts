import { connect, type Socket } from 'node:net';
import type { RequestBodies, RequestName } from '@headkeeper/protocol';
import { type HandshakeOptions, RawClient, type Reply, type WatchEvent } from '@headkeeper/testkit';

/** A client on a socket that knows the wire, and neither reconnects nor pings: tests see what the server does. */
export class SocketClient {
  readonly raw: RawClient;
  readonly #socket: Socket;
  readonly #waiting: (() => void)[] = [];
  /** Those who wait for a reply, in the order of their requests. */
  readonly #replies: ((reply: Reply | null) => void)[] = [];
  isClosed = false;
  error: NodeJS.ErrnoException | null = null;

  private constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.raw = new RawClient(0, {
      deliver: (_connection, bytes) => {
        this.#socket.write(bytes);
      },
      disconnect: () => this.#socket.destroy(),
    });
    this.#socket.on('data', (bytes) => {
      this.raw.arrived(bytes);
      this.#wake();
    });
    this.#socket.on('error', (error) => {
      this.error = error;
    });
    this.#socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  /** Connects and opens a session, or goes on with one. A session that is refused has the id 0. */
  static async open(port: number, options: HandshakeOptions = {}): Promise<SocketClient> {
    const client = new SocketClient(port);
    client.raw.handshake(options);
    await client.#until(() => client.raw.received.length > 0);
    if (client.raw.received.length === 0) throw client.error ?? new Error('the connection was closed');
    client.raw.received.shift();
    return client;
  }

  /** Connects and sends its handshake; nobody need answer. */
  static knock(port: number): SocketClient {
    const client = new SocketClient(port);
    client.raw.handshake();
    return client;
  }

  get sessionId(): bigint {
    return this.raw.sessionId;
  }

  /** Whether anything has come that nobody has taken. */
  get isAnswered(): boolean {
    return this.raw.received.length > 0;
  }

  /** Resolves when anything has come. */
  async answered(): Promise<void> {
    await this.#until(() => this.isAnswered);
    if (!this.isAnswered) throw new Error('the connection was closed');
  }

  /** Sends a request and resolves with its reply; rejects when the connection ends before. */
  async call<Name extends RequestName>(op: Name, body: RequestBodies[Name]): Promise<Reply<Name>> {
    this.raw.ask(op, body);
    return this.#reply(op);
  }

  /** As `call`, and the reply must say 0. */
  async must<Name extends RequestName>(op: Name, body: RequestBodies[Name]): Promise<Reply<Name>> {
    const reply = await this.call(op, body);
    if (reply.err !== 0) throw new Error(`${op} was answered ${reply.err}`);
    return reply;
  }

  async create(path: string, data = '', flags = 0): Promise<string> {
    const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
    const reply = await this.must('create', { path, data: Buffer.from(data), acl, flags });
    return reply.body?.path ?? '';
  }

  /** The data as text; null when there is no such znode. */
  async read(path: string): Promise<string | null> {
    const reply = await this.call('getData', { path, watch: false });
    return reply.err === 0 ? Buffer.from(reply.body?.data ?? []).toString() : null;
  }

  async children(path: string): Promise<readonly string[]> {
    const reply = await this.must('getChildren', { path, watch: false });
    return [...(reply.body?.children ?? [])].sort() as string[];
  }

  /** Resolves when the server has ended the connection. */
  async closed(): Promise<void> {
    await this.#until(() => this.isClosed);
  }

  async event(): Promise<WatchEvent> {
    const isEvent = (): boolean => this.raw.received.some((one) => one.kind === 'event');
    await this.#until(() => isEvent());
    const at = this.raw.received.findIndex((one) => one.kind === 'event');
    if (at < 0) throw new Error('the connection was closed before an event');
    return this.raw.received.splice(at, 1)[0] as WatchEvent;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #reply<Name extends RequestName>(op: Name): Promise<Reply<Name>> {
    return new Promise((resolve, reject) => {
      this.#replies.push((reply) => {
        if (reply === null) reject(this.error ?? new Error(`the connection was closed before ${op} was answered`));
        else resolve(reply as unknown as Reply<Name>);
      });
      if (this.isClosed) this.#wake();
    });
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const { received } = this.raw;
    for (let at = 0; at < received.length; ) {
      const one = received[at];
      if (one?.kind !== 'reply') at++;
      else {
        received.splice(at, 1);
        this.#replies.shift()?.(one);
      }
    }
    if (this.isClosed) for (const answer of this.#replies.splice(0)) answer(null);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
