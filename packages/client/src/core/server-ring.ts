import type { ServerAddress } from '../ports.ts';
import { shuffled } from './shuffle.ts';

/** First pause after a round in which no server could be had, and the longest; milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
const MOST_DOUBLINGS = 10;
/** Clients that lose their server together do not come to the next one together. */
const SPREAD_MS = 50;

/** Which server to try next, and how long to wait before: in a shuffled ring, with growing pauses between rounds. */
export class ServerRing {
  readonly #random: (limit: number) => number;
  #servers: readonly ServerAddress[];
  #next = 0;
  /** Attempts since a server was last of use. */
  #attempts = 0;

  constructor(servers: readonly ServerAddress[], random: (limit: number) => number) {
    this.#random = random;
    this.#servers = shuffled(servers, random);
  }

  get size(): number {
    return this.#servers.length;
  }

  next(): ServerAddress {
    this.#attempts++;
    return this.turn();
  }

  /** The next server, for a question that is no attempt to connect. */
  turn(): ServerAddress {
    const server = this.#servers[this.#next] as ServerAddress;
    this.#next = (this.#next + 1) % this.#servers.length;
    return server;
  }

  /** Lets this server be the next one, if it is in the list. */
  prefer(server: ServerAddress): void {
    const at = this.#servers.findIndex((one) => isSame(one, server));
    if (at >= 0) this.#next = at;
  }

  /** Milliseconds to wait before the next attempt. The very first one is made at once. */
  pauseMs(isFirst: boolean): number {
    if (this.#attempts === 0) return isFirst ? 0 : this.#random(SPREAD_MS);
    const round = this.#attempts / this.#servers.length;
    if (!Number.isInteger(round)) return 0;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(round - 1, MOST_DOUBLINGS));
    return Math.ceil(longest / 2) + this.#random(Math.ceil(longest / 2));
  }

  /** A server has been of use: if it is lost, the next attempt is the first again. */
  wasUseful(): void {
    this.#attempts = 0;
  }

  /** Whether a server is in the list. */
  has(server: ServerAddress): boolean {
    return this.#servers.some((one) => isSame(one, server));
  }

  /**
   * Another list of servers. True when a client connected to `current` should move, so that all clients of the old list
   * spread evenly over the new one: always when its server has gone, never when the list does not grow otherwise, and when
   * it grows with the chance that gives the new servers their share. Who moves tries those servers first that are to gain:
   * the new ones, or, when the list shrinks, old and new in the proportion of what each lacks.
   */
  replace(servers: readonly ServerAddress[], current: ServerAddress | null): boolean {
    const before = this.#servers;
    const stay = shuffled(
      servers.filter((server) => before.some((one) => isSame(one, server))),
      this.#random,
    );
    const fresh = shuffled(
      servers.filter((server) => !before.some((one) => isSame(one, server))),
      this.#random,
    );
    const isGrowing = servers.length > before.length;
    this.#servers = isGrowing ? [...fresh, ...stay] : this.#mixed(stay, fresh, before.length);
    this.#next = 0;
    this.#attempts = 0;
    if (current === null) return false;
    if (!this.has(current)) return true;
    return isGrowing && this.#random(servers.length) < servers.length - before.length;
  }

  /** Clients of the servers that have gone: those that stay lack `1/new - 1/old` of all clients each, fresh ones `1/new`. */
  #mixed(stay: readonly ServerAddress[], fresh: readonly ServerAddress[], before: number): ServerAddress[] {
    const after = stay.length + fresh.length;
    const olds = [...stay];
    const news = [...fresh];
    const oldShare = before - after;
    const order: ServerAddress[] = [];
    while (olds.length > 0 && news.length > 0) {
      // In units of 1 / (old * new): what the old ones lack together against what the new ones do.
      const forOld = olds.length * oldShare;
      const forNew = news.length * before;
      const from = this.#random(forOld + forNew) < forOld ? olds : news;
      order.push(from.shift() as ServerAddress);
    }
    return [...order, ...olds, ...news];
  }
}

function isSame(a: ServerAddress, b: ServerAddress): boolean {
  return a.host === b.host && a.port === b.port;
}
