import { createServer, type Server, type Socket } from 'node:net';
import { type FourLetterName, fourLetterNameOf, TELNET_CLOSE, TRACE_MASK_BYTES } from '@headkeeper/protocol';
import type { ClientLink } from '../../ports.ts';
import { clientAddress } from './address.ts';
import { SocketLink } from './socket-link.ts';

const WORD_BYTES = 4;

/** Where the bytes of clients go. */
export interface ClientPort {
  open(link: ClientLink, address: string): number;
  data(connection: number, bytes: Uint8Array): void;
  drained(connection: number): void;
  closed(connection: number): void;
}

export interface ListenerOptions {
  readonly port: number;
  /** null: all addresses. */
  readonly host: string | null;
  /** Length of the queue of the operating system; -1: its default. */
  readonly backlog: number;
  readonly keepAlive: boolean;
  /** Connections of one address, and all; 0 or less: no limit. */
  readonly maxPerAddress: number;
  readonly maxTotal: number;
  /** A connection that has said nothing for this long is closed, milliseconds. */
  readonly silentMs: number;
  readonly clients: ClientPort;
  /** The answer to a four-letter word. */
  readonly answer: (word: FourLetterName) => string;
  /** Told of a connection that was refused for a limit. */
  readonly refused: (address: string, reason: string) => void;
}

/** The client port: accepts connections, keeps their number in bounds, tells four-letter words from sessions. */
export class ClientListener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #perAddress: Map<string, number> = new Map();
  readonly #sockets: Set<Socket> = new Set();
  #rejected = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, keepAlive: options.keepAlive }, (socket) => this.#accept(socket));
  }

  /** Connections refused for a limit. */
  get rejected(): number {
    return this.#rejected;
  }

  /** Begins to accept; resolves with the address in use, rejects with the operating system's error. */
  listen(): Promise<{ host: string; port: number }> {
    const { port, host, backlog } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      const options = { port, ...(host === null ? {} : { host }), ...(backlog > 0 ? { backlog } : {}) };
      this.#server.listen(options, () => {
        this.#server.removeListener('error', reject);
        // Running out of descriptors refuses clients for a while; the server goes on.
        this.#server.on('error', (error) => this.#options.refused('', error.message));
        const address = this.#server.address();
        if (address === null || typeof address === 'string') reject(new Error('no TCP address'));
        else resolve({ host: address.address, port: address.port });
      });
    });
  }

  /** Accepts nothing more. */
  stop(): void {
    this.#server.close();
  }

  /** Resolves when every connection has sent what it had and is closed; ends those that take longer than this. */
  async drain(timeoutMs: number): Promise<void> {
    const closed = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, timeoutMs);
    await Promise.all(closed);
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    const address = clientAddress(socket.remoteAddress ?? '');
    const { maxPerAddress, maxTotal } = this.#options;
    const mine = this.#perAddress.get(address) ?? 0;
    const reason =
      maxPerAddress > 0 && mine >= maxPerAddress
        ? `the address has ${mine} connections already (maxClientCnxns)`
        : maxTotal > 0 && this.#sockets.size >= maxTotal
          ? `there are ${this.#sockets.size} connections already (maxCnxns)`
          : null;
    if (reason !== null) {
      this.#rejected++;
      this.#options.refused(address, reason);
      socket.destroy();
      return;
    }
    this.#perAddress.set(address, mine + 1);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
    });
    // The close event that follows does what is to be done.
    socket.on('error', () => {});
    this.#awaitFirstBytes(socket, address);
  }

  /** Holds the first bytes back until there are enough to tell a word from a handshake. */
  #awaitFirstBytes(socket: Socket, address: string): void {
    let first: Buffer = Buffer.alloc(0);
    socket.setTimeout(this.#options.silentMs, () => socket.destroy());
    const onData = (chunk: Buffer): void => {
      first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
      if (first.length < WORD_BYTES) return;
      const code = first.readInt32BE(0);
      const word = fourLetterNameOf(code);
      if (word === 'stmk' && first.length < WORD_BYTES + TRACE_MASK_BYTES) return;
      socket.removeListener('data', onData);
      if (code === TELNET_CLOSE) socket.destroy();
      else if (word === undefined) this.#serve(socket, address, first);
      else socket.end(this.#options.answer(word)); // A peer that does not close its side runs into the timeout.
    };
    socket.on('data', onData);
  }

  #serve(socket: Socket, address: string, first: Buffer): void {
    const { clients } = this.#options;
    socket.setTimeout(0);
    const link = new SocketLink(socket, () => clients.drained(connection));
    const connection = clients.open(link, address);
    socket.on('data', (chunk: Buffer) => clients.data(connection, chunk));
    socket.once('close', () => clients.closed(connection));
    clients.data(connection, first);
  }
}
