import { createServer, type Server, type Socket } from 'node:net';
import {
  type FourLetterName,
  fourLetterNameOf,
  type Identity,
  TELNET_CLOSE,
  TRACE_MASK_BYTES,
} from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { ClientLink, Clock } from '../../ports.ts';
import { clientAddress } from './address.ts';
import { ClientSocket, type ClientSocketPort } from './client-socket.ts';
import type { HandshakeCounts, SecureDoor } from './secure-door.ts';
import { UnsentOutput } from './unsent-output.ts';

const WORD_BYTES = 4;
const TOO_MANY = 'too many answers to words like this one are under way: try again later\n';
/** How often silent sockets are looked for. */
const SWEEP_MS = 1000;
const NOBODY: readonly Identity[] = Object.freeze([]);
const NO_HANDSHAKES: HandshakeCounts = Object.freeze({ outstanding: 0, unsuccessful: 0, exceeded: 0 });

/** Where the bytes of clients go. */
export interface ClientPort {
  open(link: ClientLink, address: string): number;
  data(connection: number, bytes: Uint8Array): void;
  drained(connection: number): void;
  closed(connection: number): void;
}

/**
 * The kernel allows no more than `net.core.somaxconn`, 4,096 on today's Linux. Beyond it the first packet of a client is lost, who
 * sends it again after a second, then two, then four: ten thousand clients at once take five seconds (known failure O05).
 */
const DEFAULT_BACKLOG = 4096;

export interface ListenerOptions {
  readonly port: number;
  /** null: all addresses. */
  readonly host: string | null;
  /** Connections that may wait to be accepted; -1: 4,096. */
  readonly backlog: number;
  readonly keepAlive: boolean;
  /** Connections of one address, and all; 0 or less: no limit. */
  readonly maxPerAddress: number;
  readonly maxTotal: number;
  /** A connection that has said nothing for this long, or takes this long to end, is closed, milliseconds. */
  readonly silentMs: number;
  readonly clock: Clock;
  readonly clients: ClientPort;
  /** The answer to a four-letter word: a text, or its lines, to be asked for bit by bit. */
  readonly answer: (word: FourLetterName) => string | Iterable<string>;
  /** Decides about each connection before anything else does: calls `take`, now or later, or ends the socket; null: all are taken. */
  readonly admit: ((socket: Socket, take: () => void) => void) | null;
  /** What connections pass before they are heard; null: they are plain. */
  readonly secure: SecureDoor | null;
  /** The most connections that there are descriptors for; null: unknown. */
  readonly mostByDescriptors: number | null;
  /** Bytes that may wait for all clients together. */
  readonly mostUnsentBytes: number;
  /** Told of a connection that was refused for a limit. */
  readonly refused: (address: string, reason: string) => void;
  /** Told of one that does not take what it is sent. */
  readonly cutOff: (address: string, reason: string) => void;
}

/** A client port: accepts connections, keeps their number in bounds, tells four-letter words from sessions. */
export class ClientListener implements ClientSocketPort {
  readonly #options: ListenerOptions;
  #server: Server;
  readonly #perAddress: Map<string, number> = new Map();
  readonly #sockets: Set<ClientSocket> = new Set();
  /** Those that are not known to be clients, oldest first. */
  readonly #unknown: Set<ClientSocket> = new Set();
  /** Clients' connections that end once everything is sent, and since when; the oldest first. */
  readonly #closing: Map<ClientSocket, number> = new Map();
  readonly #unsent: UnsentOutput;
  readonly #sweep: NodeJS.Timeout;
  /** Answers to words that can be long: the first is under way. */
  readonly #longAnswers: (() => void)[] = [];
  #whenEmpty: (() => void) | null = null;
  #rejected = 0;
  /** Connections, with those that are still in their TLS handshake. */
  #count = 0;
  readonly #anonymous: { local: number; remote: number } = { local: 0, remote: 0 };
  #silent = 0;
  #isStopped = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#unsent = new UnsentOutput(options.mostUnsentBytes, (reason, socket) => {
      options.cutOff((socket as ClientSocket).address, reason);
    });
    this.#server = this.#makeServer();
    this.#sweep = setInterval(() => this.#closeSilent(), SWEEP_MS).unref();
  }

  /** Connections refused for a limit. */
  get rejected(): number {
    return this.#rejected;
  }

  /** TLS handshakes of this port. */
  get handshakes(): HandshakeCounts {
    return this.#options.secure?.counts ?? NO_HANDSHAKES;
  }

  /** Connections so far whose clients have shown no certificate: from this machine, and from elsewhere. */
  get anonymous(): { readonly local: number; readonly remote: number } {
    return this.#anonymous;
  }

  /** Connections closed because they did not say in time what they are. */
  get silent(): number {
    return this.#silent;
  }

  /** Begins to accept; resolves with the address in use, rejects with the operating system's error. */
  listen(): Promise<{ host: string; port: number }> {
    const { port, host } = this.#options;
    return this.#listen(this.#server, port, host);
  }

  /**
   * Accepts at another address from now on; connections that are open stay. Rejects with the operating system's error, and
   * goes on at the former address then.
   */
  async move(port: number, host: string | null): Promise<{ host: string; port: number }> {
    const server = this.#makeServer();
    const address = await this.#listen(server, port, host);
    if (this.#isStopped) server.close();
    else {
      this.#server.close();
      this.#server = server;
    }
    return address;
  }

  #makeServer(): Server {
    const { admit, keepAlive } = this.#options;
    const accept = (socket: Socket): void => this.#accept(socket);
    return createServer(
      { noDelay: true, keepAlive },
      admit === null ? accept : (socket) => admit(socket, () => accept(socket)),
    );
  }

  #listen(server: Server, port: number, host: string | null): Promise<{ host: string; port: number }> {
    const { backlog } = this.#options;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      const options = { port, ...(host === null ? {} : { host }), backlog: backlog > 0 ? backlog : DEFAULT_BACKLOG };
      server.listen(options, () => {
        server.removeListener('error', reject);
        // Running out of descriptors refuses clients for a while; the server goes on.
        server.on('error', (error) => this.#options.refused('', error.message));
        const address = server.address();
        if (address === null || typeof address === 'string') reject(new Error('no TCP address'));
        else resolve({ host: address.address, port: address.port });
      });
    });
  }

  /** Accepts nothing more. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#sweep);
    this.#options.secure?.stop();
    this.#server.close();
  }

  /** Resolves when every connection has sent what it had and is closed; ends those that take longer than this. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.#sockets.size === 0) return;
    const timer = setTimeout(() => this.dropAll(), timeoutMs);
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
    clearTimeout(timer);
  }

  /** Ends every connection at once, whatever is still to be sent. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const address = clientAddress(socket.remoteAddress ?? '');
    const { maxPerAddress, maxTotal, secure, mostByDescriptors } = this.#options;
    const mine = this.#perAddress.get(address) ?? 0;
    const reason =
      maxPerAddress > 0 && mine >= maxPerAddress
        ? `the address has ${mine} connections already (maxClientCnxns)`
        : maxTotal > 0 && this.#count >= maxTotal
          ? `there are ${this.#count} connections already (maxCnxns)`
          : mostByDescriptors !== null && this.#count >= mostByDescriptors
            ? `there are ${this.#count} connections already, and few descriptors left (ulimit -n)`
            : null;
    if (reason !== null) {
      this.#rejected++;
      this.#options.refused(address, reason);
      socket.destroy();
      return;
    }
    this.#perAddress.set(address, mine + 1);
    this.#count++;
    if (secure === null) this.#take(socket, address, NOBODY, false);
    else {
      secure.accept(
        socket,
        address,
        (ready, identities, hasCertificate) => this.#take(ready, address, identities, hasCertificate),
        () => this.#forget(address),
      );
    }
  }

  #take(socket: Socket, address: string, identities: readonly Identity[], hasCertificate: boolean): void {
    const accepted = new ClientSocket(socket, address, identities, this.#options.clock.monotonicMs(), this);
    this.#sockets.add(accepted);
    this.#unknown.add(accepted);
    if (!hasCertificate) this.#anonymous[isLoopback(address) ? 'local' : 'remote']++;
  }

  #forget(address: string): void {
    this.#count--;
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }

  /** Tells a four-letter word from a handshake, once there are enough bytes to. */
  first(socket: ClientSocket, bytes: Buffer): number | null {
    if (bytes.length < WORD_BYTES) return null;
    const code = bytes.readInt32BE(0);
    if (code === TELNET_CLOSE) {
      socket.destroy();
      return null;
    }
    const word = fourLetterNameOf(code);
    if (word === undefined) {
      this.#unknown.delete(socket);
      return this.#options.clients.open(socket, socket.address);
    }
    if (word !== 'stmk' || bytes.length >= WORD_BYTES + TRACE_MASK_BYTES) this.#answer(socket, word);
    return null;
  }

  /** Long answers are given one after the other (CVE-2017-5637). */
  #answer(socket: ClientSocket, word: FourLetterName): void {
    const answer = this.#options.answer(word);
    if (typeof answer === 'string') socket.answer(answer);
    else if (this.#longAnswers.length >= limits.longAnswers) socket.answer(TOO_MANY);
    else {
      // Said again with what follows it, the word would be answered twice, and the second time cut the first off.
      socket.hearNoMore();
      this.#longAnswers.push(() => {
        socket.answerBitByBit(answer, () => {
          this.#longAnswers.shift();
          this.#longAnswers[0]?.();
        });
      });
      if (this.#longAnswers.length === 1) this.#longAnswers[0]?.();
    }
  }

  data(connection: number, bytes: Uint8Array): void {
    this.#options.clients.data(connection, bytes);
  }

  drained(connection: number): void {
    this.#options.clients.drained(connection);
  }

  waits(socket: ClientSocket): void {
    this.#unsent.waits(socket, this.#options.clock.monotonicMs());
  }

  closing(socket: ClientSocket): void {
    this.#closing.set(socket, this.#options.clock.monotonicMs());
  }

  closed(socket: ClientSocket, connection: number | null): void {
    this.#sockets.delete(socket);
    this.#unknown.delete(socket);
    this.#closing.delete(socket);
    this.#unsent.gone(socket);
    this.#forget(socket.address);
    if (connection !== null) this.#options.clients.closed(connection);
    if (this.#sockets.size === 0) this.#whenEmpty?.();
  }

  /**
   * Closes the sockets that have not said for too long what they are, that were answered a word and stay, and that do not
   * take the last that they are sent.
   */
  #closeSilent(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const oldest = nowMs - this.#options.silentMs;
    this.#unsent.sweep(nowMs);
    for (const socket of this.#unknown) {
      if (socket.acceptedMs > oldest) break;
      this.#silent++;
      socket.destroy();
    }
    for (const [socket, since] of this.#closing) {
      if (since > oldest) break;
      socket.destroy();
    }
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '0:0:0:0:0:0:0:1';
}
