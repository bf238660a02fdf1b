import { limits } from '../../limits.ts';

/** A connection with output that its peer has not taken. */
export interface Backlog {
  /** Bytes that wait, in this process and for its socket. */
  readonly unsentBytes: number;
  /** Changes whenever the network has taken some of it, and only then. */
  readonly taken: string;
  /** Ends the connection at once. */
  destroy(): void;
}

interface Known {
  bytes: number;
  taken: string;
  /** Since when nothing was taken, monotonic milliseconds. */
  sinceMs: number;
}

/**
 * What all clients together have not taken of what they were sent. Who takes nothing for too long is cut off; and when all of
 * them let too much wait, those with most of it are (known failure O03).
 */
export class UnsentOutput {
  readonly #known: Map<Backlog, Known> = new Map();
  readonly #most: number;
  readonly #cutOff: (reason: string, backlog: Backlog) => void;
  #total = 0;

  /** `most`: bytes over all connections. `cutOff` is told before a connection is. */
  constructor(most: number, cutOff: (reason: string, backlog: Backlog) => void) {
    this.#most = most;
    this.#cutOff = cutOff;
  }

  /** Something that the connection was sent waits. */
  waits(backlog: Backlog, nowMs: number): void {
    const bytes = backlog.unsentBytes;
    const known = this.#known.get(backlog);
    if (known === undefined) {
      this.#known.set(backlog, { bytes, taken: backlog.taken, sinceMs: nowMs });
      this.#total += bytes;
    } else {
      this.#total += bytes - known.bytes;
      known.bytes = bytes;
    }
    if (this.#total > this.#most) this.#cutWorst();
  }

  gone(backlog: Backlog): void {
    const known = this.#known.get(backlog);
    if (known === undefined) return;
    this.#total -= known.bytes;
    this.#known.delete(backlog);
  }

  /** Looks at each of them, as should be done about once a second. */
  sweep(nowMs: number): void {
    for (const [backlog, known] of this.#known) {
      this.#count(backlog, known);
      if (known.bytes === 0) {
        this.#known.delete(backlog);
        continue;
      }
      const { taken } = backlog;
      if (taken !== known.taken) {
        known.taken = taken;
        known.sinceMs = nowMs;
      } else if (nowMs - known.sinceMs >= limits.outputStallMs) {
        this.#cut(
          `it has taken nothing for ${nowMs - known.sinceMs} ms while ${known.bytes} bytes wait for it`,
          backlog,
        );
      }
    }
  }

  #count(backlog: Backlog, known: Known): void {
    const bytes = backlog.unsentBytes;
    this.#total += bytes - known.bytes;
    known.bytes = bytes;
  }

  #cutWorst(): void {
    // Much may have left since it was counted.
    for (const [backlog, known] of this.#known) this.#count(backlog, known);
    while (this.#total > this.#most) {
      let worst: Backlog | null = null;
      let most = 0;
      for (const [backlog, { bytes }] of this.#known) {
        if (bytes <= most) continue;
        worst = backlog;
        most = bytes;
      }
      if (worst === null) return;
      this.#cut(`${most} bytes wait for it, more than for any other, and ${this.#total} for all`, worst);
    }
  }

  #cut(reason: string, backlog: Backlog): void {
    this.gone(backlog);
    this.#cutOff(reason, backlog);
    backlog.destroy();
  }
}
