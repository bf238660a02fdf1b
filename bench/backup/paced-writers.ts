/** Writers that set znodes at a fixed rate, whatever the server does: a slow answer delays no later request. */

import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type RawClient as Client, RawClient } from '@headkeeper/testkit';

const CONNECTIONS = 32;
const VALUE = new Uint8Array(100).fill(0x61);
const PACE_MS = 2;
const PARENT = '/paced';
const OPEN_ACL = [{ perms: 31, scheme: 'world', id: 'anyone' }];

export interface Latencies {
  /** Answered writes. */
  readonly writes: number;
  /** Microseconds from the moment the write was due. */
  readonly meanUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

interface Writer {
  readonly socket: Socket;
  readonly client: Client;
  /** When the requests that are not answered were due, oldest first. */
  readonly due: number[];
}

export class PacedWriters {
  readonly #writers: readonly Writer[];
  #latencies: number[] = [];
  #answered: () => void = () => {};

  private constructor(writers: readonly Writer[]) {
    this.#writers = writers;
    for (const { socket, client, due } of writers) {
      socket.on('data', (bytes) => {
        client.arrived(bytes);
        const now = performance.now();
        for (const frame of client.take()) {
          if (frame.kind !== 'reply') continue;
          if (frame.err !== 0) throw new Error(`a write was answered with ${frame.err}`);
          this.#latencies.push((now - (due.shift() as number)) * 1000);
        }
        this.#answered();
      });
    }
  }

  static async open(port: number): Promise<PacedWriters> {
    const writers = new PacedWriters(await Promise.all(Array.from({ length: CONNECTIONS }, () => openWriter(port))));
    const first = writers.#writers[0] as Writer;
    for (const path of [PARENT, ...writers.#writers.map((_, index) => `${PARENT}/${index}`)]) {
      first.due.push(performance.now());
      first.client.ask('create', { path, data: VALUE, acl: OPEN_ACL, flags: 0 });
    }
    await writers.#idle();
    return writers;
  }

  /** Writes as fast as `window` requests in flight on each connection allow; returns writes in a second. */
  async peak(seconds: number, window: number): Promise<number> {
    this.#latencies = [];
    const begun = performance.now();
    const top = (): void => {
      if (performance.now() - begun > seconds * 1000) return;
      this.#writers.forEach((writer, index) => {
        while (writer.due.length < window) this.#write(writer, index, performance.now());
      });
    };
    this.#answered = top;
    top();
    await pause(seconds * 1000);
    this.#answered = () => {};
    const rate = this.#latencies.length / seconds;
    await this.#idle();
    return rate;
  }

  /** Writes `rate` times a second for so long. */
  async run(rate: number, seconds: number): Promise<Latencies> {
    this.#latencies = [];
    const begun = performance.now();
    let sent = 0;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsed = Math.min(performance.now() - begun, seconds * 1000);
        for (const wanted = Math.floor((elapsed / 1000) * rate); sent < wanted; sent++) {
          const index = sent % this.#writers.length;
          this.#write(this.#writers[index] as Writer, index, begun + (sent / rate) * 1000);
        }
        if (elapsed < seconds * 1000) return;
        clearInterval(timer);
        resolve();
      }, PACE_MS);
    });
    await this.#idle();
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    return { writes: sorted.length, meanUs: mean, p50Us: at(0.5), p99Us: at(0.99) };
  }

  close(): void {
    for (const { socket } of this.#writers) socket.destroy();
  }

  #write({ client, due }: Writer, index: number, dueAt: number): void {
    due.push(dueAt);
    client.ask('setData', { path: `${PARENT}/${index}`, data: VALUE, version: -1 });
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#writers.every(({ due }) => due.length === 0)) {
          this.#answered = () => {};
          resolve();
        }
      };
      this.#answered = check;
      check();
    });
  }
}

async function openWriter(port: number): Promise<Writer> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const client = new RawClient(0, {
    deliver: (_, bytes) => void socket.write(bytes),
    disconnect: () => socket.destroy(),
  });
  client.handshake({ timeOut: 30_000 });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', (bytes) => {
      client.arrived(bytes);
      resolve();
    });
  });
  const [answer] = client.take();
  if (answer?.kind !== 'handshake' || answer.timeOut === 0) throw new Error('the server refused a session');
  return { socket, client, due: [] };
}
