import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Acl, RequestBodies, RequestName } from '@headkeeper/protocol';
import { RawClient, type Reply } from '@headkeeper/testkit';
import type { MemberPorts } from './member-process.ts';

/** A server, as far as its clients know it. */
export interface Reachable {
  readonly name: string;
  readonly ports: Pick<MemberPorts, 'client'>;
}

const OPEN_ACL: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];

/** A session over a socket, one request at a time. */
export class MemberSession {
  readonly #socket: Socket;
  readonly #client: RawClient;
  #wake: () => void = () => {};

  private constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#client = new RawClient(0, {
      deliver: (_, bytes) => void this.#socket.write(bytes),
      disconnect: () => this.#socket.destroy(),
    });
    this.#socket.on('data', (bytes) => {
      this.#client.arrived(bytes);
      this.#wake();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#client.closed = true;
      this.#wake();
    });
  }

  /** Throws when the server does not take the session. */
  static async open(member: Reachable): Promise<MemberSession> {
    const session = new MemberSession(member.ports.client);
    session.#client.handshake({ timeOut: 10_000 });
    await session.#arrival(member.name);
    const [answer] = session.#client.take();
    if (answer?.kind !== 'handshake' || answer.timeOut === 0) throw new Error(`${member.name} refused the session`);
    return session;
  }

  get isOpen(): boolean {
    return !this.#client.closed;
  }

  /** Throws when the connection ends first. */
  async call<Name extends RequestName>(op: Name, body: RequestBodies[Name]): Promise<Reply<Name>> {
    this.#client.ask(op, body);
    await this.#arrival(op);
    return this.#client.take()[0] as unknown as Reply<Name>;
  }

  /** The error code of a reconfiguration, or 0. */
  async reconfigure(request: Partial<RequestBodies['reconfig']>): Promise<number> {
    const nothing = { joiningServers: null, leavingServers: null, newMembers: null, curConfigId: -1 };
    return (await this.call('reconfig', { ...nothing, ...request })).err;
  }

  /** The text of /zookeeper/config. */
  async members(): Promise<string> {
    const { body } = await this.call('getData', { path: '/zookeeper/config', watch: false });
    return new TextDecoder().decode(body?.data ?? new Uint8Array(0));
  }

  async create(path: string, text: string): Promise<number> {
    const data = new TextEncoder().encode(text);
    return (await this.call('create', { path, data, acl: OPEN_ACL, flags: 0 })).err;
  }

  /** The content of a znode as this server's leader has it; null when there is none. */
  async read(path: string): Promise<string | null> {
    await this.call('sync', { path });
    const { body } = await this.call('getData', { path, watch: false });
    return body === null ? null : new TextDecoder().decode(body.data ?? new Uint8Array(0));
  }

  end(): void {
    this.#socket.destroy();
  }

  async #arrival(of: string): Promise<void> {
    while (this.#client.received.length === 0) {
      if (this.#client.closed) throw new Error(`the connection ended before the answer to ${of}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Does something in a session of its own, over and over until the server takes it: it may be between two leaders. */
export async function using<T>(member: Reachable, act: (session: MemberSession) => Promise<T>): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    let session: MemberSession | null = null;
    try {
      session = await MemberSession.open(member);
      return await act(session);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(20);
    } finally {
      session?.end();
    }
  }
}
