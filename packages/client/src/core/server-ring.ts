import type { ServerAddress } from '../ports.ts';

/** First pause after a round in which no server could be had, and the longest; milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1_000;
/** Clients that lose their server together do not come to the next one together. */
const SPREAD_MS = 50;

/** Which server to try next, and how long to wait before: in a shuffled ring, with growing pauses between rounds. */
export class ServerRing {
  readonly #random: (limit: number) => number;
  #servers: ServerAddress[];
  #next = 0;
  /** Attempts since a session was last established. */
  #attempts = 0;

  constructor(servers: readonly ServerAddress[], random: (limit: number) => number) {
    this.#random = random;
    this.#servers = this.#shuffled(servers);
  }

  get size(): number {
    return this.#servers.length;
  }

  next(): ServerAddress {
    const server = this.#servers[this.#next] as ServerAddress;
    this.#next = (this.#next + 1) % this.#servers.length;
    this.#attempts++;
    return server;
  }

  /** Milliseconds to wait before the next attempt. The very first one is made at once. */
  pauseMs(isFirst: boolean): number {
    const round = Math.floor(this.#attempts / this.#servers.length);
    if (round === 0) return isFirst || this.#attempts > 0 ? 0 : this.#random(SPREAD_MS);
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(round - 1, 10));
    return Math.ceil(longest / 2) + this.#random(Math.ceil(longest / 2));
  }

  connected(): void {
    this.#attempts = 0;
  }

  /** Whether a server is in the list. */
  has(server: ServerAddress): boolean {
    return this.#servers.some(({ host, port }) => host === server.host && port === server.port);
  }

  /**
   * Another list of servers. True when a client connected to `current` should move so that all clients of the old list
   * spread evenly over the new one: never while it shrinks around a server that stays, with the chance that balances
   * them when it grows, always when its server has gone.
   */
  replace(servers: readonly ServerAddress[], current: ServerAddress | null): boolean {
    const before = this.#servers.length;
    this.#servers = this.#shuffled(servers);
    this.#next = 0;
    this.#attempts = 0;
    if (current === null) return false;
    if (!this.has(current)) return true;
    const added = servers.length - before;
    return added > 0 && this.#random(servers.length) < added;
  }

  #shuffled(servers: readonly ServerAddress[]): ServerAddress[] {
    const list = [...servers];
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.#random(i + 1);
      const moved = list[i] as ServerAddress;
      list[i] = list[j] as ServerAddress;
      list[j] = moved;
    }
    return list;
  }
}
