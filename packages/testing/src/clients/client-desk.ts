import type { Socket } from 'node:net';
import type { ClientGate, ClientLink, ClientPort } from '@headkeeper/server/embedding';
import type { Gate } from '../gate.ts';
import { GatedLink } from './gated-link.ts';

/**
 * Stands between the client port and a server: while its gate is shut, new connections are made and nobody answers them, as
 * the kernel does it for a process that is stopped, and nothing more is read from those that are open.
 */
export class ClientDesk implements ClientPort, ClientGate {
  readonly #server: ClientPort;
  readonly #gate: Gate;
  /** The server's number of each connection by ours, which is known before the server has heard of it. */
  readonly #numbers: Map<number, number> = new Map();
  readonly #links: Map<number, GatedLink> = new Map();
  /** Sockets that have not said what they are, by the peer's port, and whether they wait to be taken. */
  readonly #unknown: Map<number, Socket> = new Map();
  /** Whether new connections are reset. */
  refuses = false;
  #last = 0;

  constructor(server: ClientPort, gate: Gate) {
    this.#server = server;
    this.#gate = gate;
  }

  get clients(): ClientPort {
    return this;
  }

  readonly admit = (socket: Socket, take: () => void): void => {
    if (this.refuses || this.#gate.hasEnded) {
      socket.on('error', ignore);
      socket.resetAndDestroy();
      return;
    }
    const port = socket.remotePort ?? 0;
    this.#unknown.set(port, socket);
    socket.once('close', () => {
      if (this.#unknown.get(port) === socket) this.#unknown.delete(port);
    });
    if (!this.#gate.isOpen) socket.on('error', ignore);
    this.#gate.pass(() => {
      if (!socket.destroyed) take();
    });
  };

  /** Stops reading; the gate is shut. */
  hold(): void {
    for (const link of this.#links.values()) link.hold(true);
    for (const socket of this.#unknown.values()) socket.pause();
  }

  /** Goes on reading; the gate is open. */
  release(): void {
    for (const socket of this.#unknown.values()) socket.resume();
    for (const link of this.#links.values()) link.hold(false);
  }

  /** Ends the connections that the client port does not know of. */
  dropWaiting(): void {
    for (const socket of [...this.#unknown.values()]) socket.destroy();
  }

  open(link: ClientLink, address: string): number {
    const number = ++this.#last;
    const gated = new GatedLink(link);
    this.#unknown.delete(link.port);
    this.#links.set(number, gated);
    if (!this.#gate.isOpen) gated.hold(true);
    this.#gate.pass(() => this.#numbers.set(number, this.#server.open(gated, address)));
    return number;
  }

  data(connection: number, bytes: Uint8Array): void {
    if (this.#gate.isOpen) this.#server.data(this.#number(connection), bytes);
    else {
      const kept = bytes.slice();
      this.#gate.pass(() => this.#server.data(this.#number(connection), kept));
    }
  }

  drained(connection: number): void {
    this.#gate.pass(() => this.#server.drained(this.#number(connection)));
  }

  closed(connection: number): void {
    this.#links.delete(connection);
    this.#gate.pass(() => {
      this.#server.closed(this.#number(connection));
      this.#numbers.delete(connection);
    });
  }

  #number(connection: number): number {
    return this.#numbers.get(connection) as number;
  }
}

/** The close event that follows says the same. */
function ignore(): void {}
