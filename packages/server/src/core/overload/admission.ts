import { OpCode, type Reader } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { Connection } from '../connection.ts';
import type { OverloadSettings } from '../settings.ts';
import type { Observations } from '../statistics/observations.ts';
import type { Held, OverloadCounters } from './overload-counters.ts';

/** An emptied input buffer larger than this is given back. */
const KEEP_INPUT_BYTES = 4096;
/** Requests after which it is worth knowing when a turn ends. */
const TOLD_FROM: number = limits.requestsPerTurn / 4;
/** Xid and opcode. */
const REQUEST_HEADER_BYTES = 8;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** How far the writes of the present role have come. */
interface Progress {
  readonly isBehind: boolean;
}

/** What became of a request that is looked at before it is carried out. */
export type Verdict = 'taken' | 'late' | 'stale';

/**
 * Decides which requests are taken now, and keeps the input of connections whose requests have to wait. Those that wait take
 * turns: a connection with a thousand requests gets no more of them in than one with two.
 */
export class Admission {
  readonly held: Held;
  readonly #settings: OverloadSettings;
  readonly #counters: OverloadCounters;
  readonly #connections: readonly (Connection | null)[];
  readonly #close: (connection: Connection) => void;
  readonly #keptInput: Observations;
  /** Connections whose input waits until it is their turn, in the order in which it comes. */
  #stalled: Connection[] = [];
  /** Those whose input waits for the next turn of the loop. */
  #yielded: Connection[] = [];
  /** Requests in this turn, or since the last one that was told of, in whole portions. */
  #turnRequests = 0;
  /** Requests that the connection whose turn it is may still add to unanswered ones. */
  #quota: number = Number.POSITIVE_INFINITY;
  /** Voting servers of the ensemble, between which the limit of requests on their way is divided. */
  voters: () => number = () => 1;

  constructor(
    settings: OverloadSettings,
    held: Held,
    counters: OverloadCounters,
    connections: readonly (Connection | null)[],
    close: (connection: Connection) => void,
    keptInput: Observations,
  ) {
    this.#keptInput = keptInput;
    this.#settings = settings;
    this.held = held;
    this.#counters = counters;
    this.#connections = connections;
    this.#close = close;
  }

  /** Whether each request has to be looked at, because of a throttle that is off by default. */
  get isThrottling(): boolean {
    const { requestLimit, throttledOpWaitMs, largeRequestBytes, staleByLatency } = this.#settings;
    return requestLimit > 0 || throttledOpWaitMs > 0 || largeRequestBytes >= 0 || staleByLatency;
  }

  /** Apache divides it among the others of an ensemble of three or more. */
  get #outstandingLimit(): number {
    const voters = this.voters();
    const { outstandingRequests } = this.#settings;
    return voters > 2 ? Math.max(1, Math.floor(outstandingRequests / (voters - 1))) : outstandingRequests;
  }

  /** Whether so much is on its way that a connection with unanswered requests should not be read. */
  isBehind(path: Progress): boolean {
    return path.isBehind || this.held.requests > this.#outstandingLimit;
  }

  /** Whether the connection's own unanswered requests are all that it may have. */
  isFull({ order }: Connection): boolean {
    return order.size >= limits.deferredRequests || order.waitingBytes >= limits.deferredBytes;
  }

  /** Whether a request of `length` bytes, and what follows it, has to wait for `resume`. */
  stalls(connection: Connection, path: Progress, length: number): boolean {
    if (!this.#mustWait(connection, path, length)) return false;
    connection.isStalled = true;
    this.#stalled.push(connection);
    return true;
  }

  #mustWait(connection: Connection, path: Progress, length: number): boolean {
    const { requestLimit } = this.#settings;
    if (requestLimit > 0 && this.held.requests >= requestLimit) {
      this.#counters.requestThrottleWaits++;
      return true;
    }
    if (connection.order.size === 0) return length > limits.smallRequestBytes && path.isBehind;
    return this.isFull(connection) || this.isBehind(path) || --this.#quota < 0;
  }

  /** Counts a portion of a connection's requests. Whether the rest has to wait for the next turn. */
  endsTurn(connection: Connection): boolean {
    this.#turnRequests += limits.requestsPerConnection;
    if (this.#turnRequests <= limits.requestsPerTurn) return false;
    connection.isStalled = true;
    this.#yielded.push(connection);
    return true;
  }

  /** Whether the next turn of the loop should be told of by `turn`. */
  get wantsTurn(): boolean {
    return this.#turnRequests > TOLD_FROM;
  }

  /** A new turn: goes on with those that had to leave something to it, in their order. */
  turn(consume: (connection: Connection) => void): void {
    this.#turnRequests = 0;
    const yielded = this.#yielded;
    let at = 0;
    this.#yielded = [];
    for (; at < yielded.length && this.#turnRequests <= limits.requestsPerTurn; at++) {
      const connection = yielded[at];
      connection.isStalled = false;
      if (connection.state === 'open' && connection.inputLength > 0) consume(connection);
    }
    if (at === yielded.length) return;
    this.#yielded = yielded.slice(at).concat(this.#yielded);
    this.#turnRequests = Math.max(this.#turnRequests, limits.requestsPerTurn);
  }

  /** Forgets who waits; their connections go on by other means, or not at all. */
  forgetStalled(): void {
    for (const connection of this.#stalled) connection.isStalled = false;
    for (const connection of this.#yielded) connection.isStalled = false;
    this.#stalled = [];
    this.#yielded = [];
  }

  /**
   * Goes on with input that waited for room: with a part of each connection's, as far as there is room, and whoever got one
   * stands last then. A few connections at a time get many requests in, since their answers leave together.
   */
  resume(path: Progress, consume: (connection: Connection) => void): void {
    if (this.#stalled.length === 0) return;
    const stalled = this.#stalled;
    const moved: Connection[] = [];
    const room = this.#outstandingLimit - this.held.requests;
    const share = Math.max(limits.requestsPerShare, Math.floor(room / stalled.length));
    let at = 0;
    this.#stalled = [];
    for (; at < stalled.length && !this.isBehind(path); at++) {
      const connection = stalled[at];
      connection.isStalled = false;
      const before = connection.inputLength;
      if (connection.state !== 'open' || before === 0) continue;
      this.#quota = share;
      consume(connection);
      if (this.#stalled.at(-1) !== connection || connection.inputLength === before) continue;
      this.#stalled.pop();
      moved.push(connection);
    }
    this.#quota = Number.POSITIVE_INFINITY;
    this.#stalled = this.#stalled.concat(at < stalled.length ? stalled.slice(at) : [], moved);
  }

  /** Whether a request that has waited is still worth doing; `r` stands at its header, and stays there. Counted. */
  judge(connection: Connection, r: Reader, nowMs: number): Verdict {
    if (connection.inputLength === 0 || r.remaining() < REQUEST_HEADER_BYTES) return 'taken';
    const opcode = r.view.getInt32(r.pos + 4);
    if (opcode === OpCode.closeSession) return 'taken';
    const { staleByLatency, requestLimit, dropsStale, throttledOpWaitMs } = this.#settings;
    const waitedMs = nowMs - connection.inputSinceMs;
    if (staleByLatency && waitedMs > connection.timeoutMs) {
      if (requestLimit > 0 && dropsStale) {
        this.#counters.staleRequestsDropped++;
        connection.inputLength = 0;
        return 'stale';
      }
      this.#counters.staleRequests++;
    }
    if (opcode === OpCode.ping || throttledOpWaitMs === 0 || waitedMs <= throttledOpWaitMs) return 'taken';
    this.#counters.throttledOps++;
    return 'late';
  }

  /** A reply has nobody who waits for it, or comes later than he waits. */
  countStaleReply(connection: Connection, latencyMs: number): void {
    const { staleByConnection, staleByLatency } = this.#settings;
    if (connection.state === 'open' ? staleByLatency && latencyMs > connection.timeoutMs : staleByConnection) {
      this.#counters.staleReplies++;
    }
  }

  /** Whether a request that begins with this length may come in. */
  admitsLarge(length: number): boolean {
    const { largeRequestBytes, largeRequestsBytes } = this.#settings;
    if (largeRequestBytes < 0 || length <= largeRequestBytes) return true;
    if (this.held.largeBytes + length <= largeRequestsBytes) return true;
    this.#counters.largeRequestsRejected++;
    return false;
  }

  /** A request of this length is on its way: the last one of the connection's order. */
  noteLarge(connection: Connection, length: number): void {
    const { largeRequestBytes } = this.#settings;
    if (largeRequestBytes >= 0 && length > largeRequestBytes) connection.order.markLarge(length);
  }

  /** Adds `bytes` from `from` on to the connection's input, which grows with what has really arrived. */
  keep(connection: Connection, bytes: Uint8Array, from: number, nowMs: number): void {
    const need = connection.inputLength + bytes.length - from;
    if (connection.inputLength === 0) connection.inputSinceMs = nowMs;
    if (need > connection.input.length) {
      const larger = new Uint8Array(Math.max(need, connection.input.length * 2, 256));
      larger.set(connection.input.subarray(0, connection.inputLength));
      this.#replace(connection, larger);
    }
    connection.input.set(bytes.subarray(from), connection.inputLength);
    connection.inputLength = need;
    this.#keptInput.add(need);
    this.checkHeld();
  }

  /** The first `consumed` bytes of `input`, which is the connection's, have been dealt with. */
  consumed(connection: Connection, input: Uint8Array, length: number, consumed: number, nowMs: number): void {
    connection.inputLength = length - consumed;
    if (connection.inputLength === 0) {
      if (input.length > KEEP_INPUT_BYTES) this.#replace(connection, NO_BYTES);
      return;
    }
    if (consumed === 0) return;
    input.copyWithin(0, consumed, length);
    // What is left is the beginning of a request, unless the connection waits for its turn.
    if (!connection.isStalled) connection.inputSinceMs = nowMs;
  }

  /** Nothing of what the connection's client has sent, and nobody has begun with, is wanted any more. */
  drop(connection: Connection): void {
    const { requestLimit, dropsStale, staleByConnection } = this.#settings;
    // The first of them counts, as on Apache, which does not look at the others.
    if (requestLimit > 0 && dropsStale && staleByConnection && hasWholeFrame(connection)) {
      this.#counters.staleRequestsDropped++;
    }
    connection.inputLength = 0;
    this.#replace(connection, NO_BYTES);
    connection.order.abandon();
  }

  #replace(connection: Connection, input: Uint8Array): void {
    this.held.inputBytes += input.length - connection.input.length;
    connection.input = input;
  }

  /** When clients have this server hold too much that waits, those with most of it are cut off. */
  checkHeld(): void {
    while (this.held.inputBytes > limits.heldInputBytes) {
      let worst: Connection | null = null;
      let most = 0;
      for (const connection of this.#connections) {
        if (connection === null || connection === undefined) continue;
        const bytes = connection.input.length + connection.order.waitingBytes;
        if (bytes <= most) continue;
        worst = connection;
        most = bytes;
      }
      if (worst === null) return;
      this.#counters.connectionsCutOff++;
      this.#close(worst);
    }
  }
}

function hasWholeFrame({ input, inputLength }: Connection): boolean {
  if (inputLength < 4) return false;
  return 4 + new DataView(input.buffer, input.byteOffset, input.byteLength).getInt32(0) <= inputLength;
}
