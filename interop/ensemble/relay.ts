/** A TCP relay whose traffic can be held back in either direction, and whose connections can be cut. */

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { RandomStream } from '@headkeeper/testkit';

/** `forth`: from who connects to who listens. */
export type Direction = 'forth' | 'back';

interface Pair {
  readonly near: Socket;
  /** Towards the target; null while a new connection waits for traffic to be let through. */
  far: Socket | null;
}

/** How often, and for how long, a refused connection is tried again, in milliseconds. */
const RETRY_MS = 10;
const REFUSED_FOR_MS = 1000;

/**
 * Held traffic behaves as on a network that loses packets: nothing arrives, connections stay, even the end of a killed
 * process is not noticed, and what TCP still has is delivered once traffic is let through again. New connections are made
 * by the system on this side of the fault, and stay silent.
 */
export class Relay {
  readonly port: number;
  readonly #target: number;
  readonly #server: Server;
  readonly #random: RandomStream;
  readonly #pairs: Set<Pair> = new Set();
  /** Every socket that is not closed yet, those of ended pairs too. */
  readonly #open: Set<Socket> = new Set();
  readonly #held: Set<Direction> = new Set();
  #refusing = false;
  #delayMs = 0;

  private constructor(port: number, target: number, server: Server, random: RandomStream) {
    this.port = port;
    this.#target = target;
    this.#server = server;
    this.#random = random;
    server.on('connection', (near) => this.#accept(near));
  }

  /** `random`: how long what is delayed takes. */
  static listen(port: number, target: number, random: RandomStream): Promise<Relay> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve(new Relay(port, target, server, random));
      });
    });
  }

  get holding(): boolean {
    return this.#held.size > 0;
  }

  hold(direction: Direction): void {
    this.#held.add(direction);
    for (const { near, far } of this.#pairs) (direction === 'forth' ? near : far)?.pause();
  }

  /** Lets traffic through again, what was held back first. */
  release(direction: Direction): void {
    this.#held.delete(direction);
    for (const pair of this.#pairs) {
      (direction === 'forth' ? pair.near : pair.far)?.resume();
      if (pair.far === null && this.#held.size === 0) this.#connect(pair);
    }
  }

  /** Resets every connection, with what was held back on it. */
  reset(): void {
    for (const pair of this.#pairs) this.#end(pair, true);
  }

  /** Whether new connections are reset at once. */
  set refusing(value: boolean) {
    this.#refusing = value;
  }

  /** Milliseconds, up to twice as many at random, until what arrives is passed on; in order nevertheless. */
  set delayMs(value: number) {
    this.#delayMs = value;
  }

  close(): Promise<void> {
    this.#refusing = true;
    for (const socket of this.#open) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(near: Socket): void {
    const pair: Pair = { near, far: null };
    near.on('error', () => {});
    this.#watch(near);
    if (this.#refusing) {
      near.resetAndDestroy();
      return;
    }
    near.setNoDelay(true);
    near.pause();
    this.#pairs.add(pair);
    near.on('close', () => this.#end(pair, false));
    if (this.#held.size === 0) this.#connect(pair);
  }

  #connect(pair: Pair, deadline: number = performance.now() + REFUSED_FOR_MS): void {
    if (!this.#pairs.has(pair)) return;
    let connected = false;
    const { near } = pair;
    const far = connect(this.#target, '127.0.0.1');
    pair.far = far;
    this.#watch(far);
    far.setNoDelay(true);
    far.pause();
    far.on('error', () => {});
    far.on('close', () => {
      // A server that is about to listen refuses at first; a connector would try again, if the relay were not there.
      if (connected || performance.now() > deadline) this.#end(pair, !connected);
      else if (this.#pairs.has(pair)) setTimeout(() => this.#connect(pair, deadline), RETRY_MS);
    });
    far.on('connect', () => {
      connected = true;
      this.#carry(near, far, 'forth');
      this.#carry(far, near, 'back');
    });
  }

  #watch(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }

  #carry(from: Socket, to: Socket, direction: Direction): void {
    let due = 0;
    from.on('data', (bytes: Uint8Array) => {
      const now = performance.now();
      if (this.#delayMs === 0 && due <= now) {
        if (!to.write(bytes)) from.pause();
        return;
      }
      // Never before what is under way already.
      due = Math.max(due + 1, now + this.#delayMs + this.#random.below(this.#delayMs));
      setTimeout(() => to.write(bytes), due - now);
    });
    to.on('drain', () => {
      if (!this.#held.has(direction)) from.resume();
    });
    from.on('end', () => setTimeout(() => to.end(), Math.max(0, due + 1 - performance.now())));
    if (!this.#held.has(direction)) from.resume();
  }

  #end(pair: Pair, abruptly: boolean): void {
    if (!this.#pairs.delete(pair)) return;
    for (const socket of [pair.near, pair.far]) {
      if (socket === null || socket.destroyed) continue;
      if (abruptly) socket.resetAndDestroy();
      else socket.end(() => socket.destroy());
    }
  }
}
