import type { Endpoint } from '../../ports.ts';
import type { ElectionStream } from './election-stream.ts';

/** Servers that are in no configuration and are known all the same, because they connected. */
const MAX_UNKNOWN = 64;
/** How long votes may go unanswered before a new connection is made: at first, and at most (it doubles). */
const FIRST_SILENCE_MS = 180;
const LONGEST_SILENCE_MS = 10_000;

/** Watches for votes that nobody answers (known failures, E04). */
export class Unanswered {
  #sinceMs = -1;
  #limitMs: number = FIRST_SILENCE_MS;

  /** Whether something was sent, and nothing has come since. */
  get isSilent(): boolean {
    return this.#sinceMs >= 0;
  }

  /** Something came: the connection is alive. */
  heard(): void {
    this.#sinceMs = -1;
    this.#limitMs = FIRST_SILENCE_MS;
  }

  /** A new connection: silence begins with what is sent on it. */
  reset(): void {
    this.#sinceMs = -1;
  }

  /** A vote was sent; true: those before it were not answered for too long. */
  sent(nowMs: number): boolean {
    if (this.#sinceMs < 0) {
      this.#sinceMs = nowMs;
      return false;
    }
    if (nowMs - this.#sinceMs < this.#limitMs) return false;
    this.#sinceMs = nowMs;
    this.#limitMs = Math.min(2 * this.#limitMs, LONGEST_SILENCE_MS);
    return true;
  }
}

/** What is known of another server. */
export interface ElectionPeer {
  readonly sid: number;
  /** Where it is configured to be; empty: it is in no configuration. */
  endpoints: readonly Endpoint[];
  /** Where it said that it is, to be connected back to. */
  announced: readonly Endpoint[] | null;
  /** The connection that is used. */
  live: ElectionStream | null;
  /** When that began, monotonic milliseconds. */
  liveSinceMs: number;
  /** When the last one broke. */
  brokenMs: number;
  /** Streams that are being opened, one for each address; the first that connects stays. */
  attempt: Set<ElectionStream>;
  attemptAt: readonly Endpoint[];
  /** The vote that waits to be sent. */
  slot: Uint8Array | null;
  /** The newest vote, sent or not: the first on every new connection. */
  last: Uint8Array | null;
  /** The pause before the last try to connect, milliseconds. */
  backoffMs: number;
  stopRetry: () => void;
  readonly unanswered: Unanswered;
}

/** The other servers, by id. */
export class ElectionPeers {
  readonly #peers: Map<number, ElectionPeer> = new Map();

  find(sid: number): ElectionPeer | null {
    return this.#peers.get(sid) ?? null;
  }

  /** As they are now: the list may be walked while peers come and go. */
  all(): ElectionPeer[] {
    return [...this.#peers.values()];
  }

  /** The peer of that id, made when there was none. */
  known(sid: number): ElectionPeer {
    let peer = this.#peers.get(sid);
    if (peer === undefined) {
      peer = {
        sid,
        endpoints: [],
        announced: null,
        live: null,
        liveSinceMs: Number.NEGATIVE_INFINITY,
        brokenMs: Number.NEGATIVE_INFINITY,
        attempt: new Set(),
        attemptAt: [],
        slot: null,
        last: null,
        backoffMs: 0,
        stopRetry: () => {},
        unanswered: new Unanswered(),
      };
      this.#peers.set(sid, peer);
    }
    return peer;
  }

  /** As `known`, for one that connected by itself; null: there are too many that nobody has configured. */
  admit(sid: number): ElectionPeer | null {
    const found = this.#peers.get(sid);
    if (found !== undefined) return found;
    let unknown = 0;
    for (const peer of this.#peers.values()) {
      if (peer.endpoints.length > 0) continue;
      if (peer.live === null && peer.attempt.size === 0) {
        peer.stopRetry();
        this.#peers.delete(peer.sid);
      } else {
        unknown++;
      }
    }
    return unknown < MAX_UNKNOWN ? this.known(sid) : null;
  }
}

export function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && a.every((at, i) => at.host === b[i]?.host && at.port === b[i]?.port);
}
