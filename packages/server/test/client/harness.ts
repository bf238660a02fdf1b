import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type FourLetterName, Writer } from '@headkeeper/protocol';
import { ClientListener, type ClientPort, type ListenerOptions } from '../../src/adapters/client/listener.ts';
import { limits } from '../../src/limits.ts';
import type { ClientLink, Clock } from '../../src/ports.ts';

/** Lets tests wait for what they are told of, without looking again and again. */
class Told {
  #waiting: (() => void)[] = [];

  tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }
}

interface Opened {
  readonly link: ClientLink;
  readonly address: string;
  bytes: Buffer;
  drained: number;
  closed: number;
}

/** Stands where the driver is: writes down what the adapter reports. */
export class RecordingClients implements ClientPort {
  readonly connections: Opened[] = [];
  readonly #told: Told = new Told();

  open(link: ClientLink, address: string): number {
    return this.connections.push({ link, address, bytes: Buffer.alloc(0), drained: 0, closed: 0 }) - 1;
  }

  data(connection: number, bytes: Uint8Array): void {
    const opened = this.at(connection);
    opened.bytes = Buffer.concat([opened.bytes, bytes]);
    this.#told.tell();
  }

  drained(connection: number): void {
    this.at(connection).drained++;
    this.#told.tell();
  }

  closed(connection: number): void {
    this.at(connection).closed++;
    this.#told.tell();
  }

  at(connection: number): Opened {
    const opened = this.connections[connection];
    if (opened === undefined) throw new Error(`there is no connection ${connection}`);
    return opened;
  }

  until(holds: () => boolean): Promise<void> {
    return this.#told.until(holds);
  }
}

/** A clock that stands still until it is moved. */
export class StillClock implements Clock {
  now = 1000;

  monotonicMs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.now;
  }
}

export interface Served {
  readonly listener: ClientListener;
  readonly clients: RecordingClients;
  readonly clock: StillClock;
  readonly words: FourLetterName[];
  readonly refused: { address: string; reason: string }[];
  readonly cutOff: { address: string; reason: string }[];
  readonly port: number;
}

export const SILENT_MS = 5000;

/** A listener on a port of its own; it ends with the test. */
export async function serve(t: TestContext, changes: Partial<ListenerOptions> = {}): Promise<Served> {
  const clients = new RecordingClients();
  const clock = new StillClock();
  const words: FourLetterName[] = [];
  const refused: { address: string; reason: string }[] = [];
  const cutOff: { address: string; reason: string }[] = [];
  const listener = new ClientListener({
    port: 0,
    host: '127.0.0.1',
    backlog: -1,
    keepAlive: false,
    maxPerAddress: 0,
    maxTotal: 0,
    silentMs: SILENT_MS,
    clock,
    clients,
    answer: (word) => {
      words.push(word);
      return `answer to ${word}\n`;
    },
    admit: null,
    secure: null,
    mostByDescriptors: null,
    mostUnsentBytes: limits.unsentBytes,
    refused: (address, reason) => refused.push({ address, reason }),
    cutOff: (address, reason) => cutOff.push({ address, reason }),
    ...changes,
  });
  const { port } = await listener.listen();
  t.after(() => {
    listener.stop();
    return listener.drain(0);
  });
  return { listener, clients, clock, words, refused, cutOff, port };
}

/** The other end of a connection. It reads nothing until it is told to, beyond what its stream takes at once. */
export class Peer {
  readonly socket: Socket;
  #received: Buffer[] = [];
  #length = 0;
  readonly #told: Told = new Told();
  #isClosed = false;
  /** How it ended, when not in good order. */
  failure: string | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.failure = error.code ?? error.message;
    });
    socket.on('close', () => {
      this.#isClosed = true;
      this.#told.tell();
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  read(): this {
    this.socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#length += chunk.length;
      this.#told.tell();
    });
    return this;
  }

  /** Resolves when the kernel has the bytes. */
  say(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (error) => (error === null || error === undefined ? resolve() : reject(error)));
    });
  }

  /** Resolves with all that came before the connection ended. */
  async ended(): Promise<Buffer> {
    await this.#told.until(() => this.#isClosed);
    return this.received;
  }

  async hears(count: number): Promise<Buffer> {
    await this.#told.until(() => this.#length >= count || this.#isClosed);
    return this.received;
  }
}

export interface DialOptions {
  readonly from?: string;
  readonly allowHalfOpen?: boolean;
}

/** Connects to a listener; the connection ends with the test. */
export async function dial(t: TestContext, port: number, options: DialOptions = {}): Promise<Peer> {
  const { from, allowHalfOpen = false } = options;
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    allowHalfOpen,
    ...(from === undefined ? {} : { localAddress: from }),
  });
  const peer = new Peer(socket);
  t.after(() => socket.destroy());
  if (socket.connecting) await once(socket, 'connect');
  return peer;
}

/** Not a four-letter word: the length of a handshake. */
export const HANDSHAKE: Buffer = Buffer.from([0, 0, 0, 45, 1, 2, 3]);

/** More often than a connection has to be heard before it is read in the cheaper way. */
const MANY_READS = 16;

/** A peer that the server takes for a client, and its connection. `age`: how much it has said so far. */
export async function dialClient(
  t: TestContext,
  served: Served,
  age: 'new' | 'old' = 'new',
): Promise<{ peer: Peer; opened: Opened; id: number }> {
  const peer = await dial(t, served.port);
  const id = served.clients.connections.length;
  await peer.say(HANDSHAKE);
  await served.clients.until(() => (served.clients.connections[id]?.bytes.length ?? 0) >= HANDSHAKE.length);
  const opened = served.clients.at(id);
  for (let said = HANDSHAKE.length + 1; age === 'old' && said <= HANDSHAKE.length + MANY_READS; said++) {
    await peer.say('.');
    await served.clients.until(() => opened.bytes.length === said);
  }
  opened.bytes = opened.bytes.subarray(0, HANDSHAKE.length);
  return { peer, opened, id };
}

/** A message whose every byte depends on its number and place; 1 to 4096 bytes. */
export function message(number: number): Buffer {
  const bytes = Buffer.alloc(1 + ((number * 2654435761) % 4096));
  let state = (number * 48271 + 1) | 0;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Sends until this many bytes wait for a peer that does not read; returns all that was sent. */
export function fillUp(link: ClientLink, waiting: number): Buffer {
  const out = new Writer();
  const sent: Buffer[] = [];
  for (let i = 0; link.unsentBytes < waiting; i++) {
    const bytes = Buffer.alloc(100_000, i);
    sent.push(bytes);
    out.raw(bytes);
    link.send(out);
  }
  return Buffer.concat(sent);
}
