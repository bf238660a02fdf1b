import type { Endpoint, PeerNetwork, PeerStream, PeerStreamHandler, Timers } from '@headkeeper/server/internal';

type Happening =
  | { readonly kind: 'connect'; readonly end: StreamEnd; readonly to: Endpoint }
  | { readonly kind: 'opened'; readonly end: StreamEnd }
  | { readonly kind: 'data'; readonly end: StreamEnd; readonly bytes: Uint8Array }
  | { readonly kind: 'drained'; readonly end: StreamEnd }
  | { readonly kind: 'closed'; readonly end: StreamEnd; readonly error: Error | null }
  | { readonly kind: 'listening'; readonly tell: () => void };

interface Listener {
  readonly host: string;
  readonly accepted: (stream: PeerStream) => PeerStreamHandler;
}

/**
 * A network in memory between named hosts. Nothing is delivered before `step`: what happens first is delivered first. Links
 * between two hosts can be broken (both ends hear of it) or made silent (nobody hears anything, as behind a dead switch).
 */
export class MemoryNetwork {
  /** Data is delivered in pieces of at most this many bytes. */
  chunkBytes: number = Number.POSITIVE_INFINITY;
  /** Connections asked for so far, as `from>to:port`. */
  readonly attempts: string[] = [];
  readonly #timers: Timers;
  readonly #queue: Happening[] = [];
  readonly #listeners: Map<string, Listener> = new Map();
  readonly #ends: Set<StreamEnd> = new Set();
  readonly #silent: Set<string> = new Set();
  #nextPort = 40_000;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** The network as one host sees it. */
  on(host: string): PeerNetwork {
    return {
      listen: (at, accepted, listening) => this.#listen(host, at, accepted, listening),
      connect: (to, timeoutMs, handler) => this.#connect(host, to, timeoutMs, handler),
    };
  }

  /** Delivers the oldest thing that happened; false: there is nothing. */
  step(): boolean {
    const next = this.#queue.shift();
    if (next === undefined) return false;
    if (next.kind === 'listening') next.tell();
    else if (!next.end.gone) this.#deliver(next);
    return true;
  }

  /** Delivers until nothing is left. Throws when that does not end. */
  settle(limit = 100_000): void {
    for (let steps = 0; this.step(); steps++) if (steps > limit) throw new Error('the network does not come to rest');
  }

  /** From now on nothing arrives between the two hosts, and nobody is told. */
  silence(a: string, b: string): void {
    this.#silent.add(`${a}|${b}`).add(`${b}|${a}`);
  }

  /** New connections between the two work again; what was lost stays lost, so old streams have a hole: they stay silent. */
  heal(a: string, b: string): void {
    this.#silent.delete(`${a}|${b}`);
    this.#silent.delete(`${b}|${a}`);
  }

  /** Makes every stream between the two deaf for ever; connections to come are not affected. */
  makeHalfOpen(a: string, b: string): void {
    for (const end of this.#ends) if (between(end, a, b)) end.deaf = true;
  }

  /** Resets every stream between the two. */
  reset(a: string, b: string): void {
    for (const end of this.#ends) {
      if (between(end, a, b)) this.#queue.push({ kind: 'closed', end, error: new Error('connection reset') });
    }
  }

  /** Streams between the two hosts that are open, each counted once. */
  open(a: string, b: string): number {
    let ends = 0;
    for (const end of this.#ends) if (between(end, a, b) && end.peer !== null) ends++;
    return ends / 2;
  }

  push(happening: Happening): void {
    this.#queue.push(happening);
  }

  forget(end: StreamEnd): void {
    this.#ends.delete(end);
  }

  /** Whether what `end` says is lost on its way. */
  loses(end: StreamEnd): boolean {
    return end.deaf || this.#silent.has(`${end.host}|${end.remote.host}`);
  }

  #listen(
    host: string,
    at: Endpoint,
    accepted: (stream: PeerStream) => PeerStreamHandler,
    listening: (error: Error | null) => void,
  ): () => void {
    const key = `${host}:${at.port}`;
    const taken = this.#listeners.has(key);
    const listener: Listener = { host, accepted };
    if (!taken) this.#listeners.set(key, listener);
    let stopped = false;
    this.#queue.push({
      kind: 'listening',
      tell: () => {
        if (!stopped) listening(taken ? new Error(`address in use: ${key}`) : null);
      },
    });
    return () => {
      stopped = true;
      if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
    };
  }

  #connect(host: string, to: Endpoint, timeoutMs: number, handler: PeerStreamHandler): PeerStream {
    const end = new StreamEnd(this, host, to);
    end.handler = handler;
    end.stopTimeout = this.#timers.set(timeoutMs, () => this.#fail(end, new Error('connect timed out')));
    this.#ends.add(end);
    this.attempts.push(`${host}>${to.host}:${to.port}`);
    this.#queue.push({ kind: 'connect', end, to });
    return end;
  }

  #deliver(happening: Exclude<Happening, { kind: 'listening' }>): void {
    const { end } = happening;
    switch (happening.kind) {
      case 'connect':
        if (!this.#silent.has(`${end.host}|${happening.to.host}`)) this.#accept(end, happening.to);
        return;
      case 'opened':
        end.stopTimeout();
        end.handler?.opened();
        return;
      case 'data':
        if (end.paused) end.held.push(happening);
        else this.#deliverData(end, happening.bytes);
        return;
      case 'drained':
        if (end.unsentBytes === 0) end.handler?.drained();
        return;
      case 'closed':
        if (end.paused && happening.error === null) end.held.push(happening);
        else this.#fail(end, happening.error);
    }
  }

  #deliverData(end: StreamEnd, bytes: Uint8Array): void {
    const writer = end.peer;
    if (writer !== null && !writer.gone) {
      writer.unsentBytes -= bytes.length;
      if (writer.unsentBytes === 0) this.#queue.push({ kind: 'drained', end: writer });
    }
    for (let at = 0; at < bytes.length && !end.gone; at += this.chunkBytes) {
      end.handler?.data(bytes.subarray(at, Math.min(bytes.length, at + this.chunkBytes)));
    }
  }

  #accept(end: StreamEnd, to: Endpoint): void {
    const listener = this.#listeners.get(`${to.host}:${to.port}`);
    if (listener === undefined) {
      this.#fail(end, new Error(`connection refused: ${to.host}:${to.port}`));
      return;
    }
    const other = new StreamEnd(this, listener.host, { host: end.host, port: this.#nextPort++ });
    other.peer = end;
    end.peer = other;
    this.#ends.add(other);
    this.#queue.push({ kind: 'opened', end });
    other.handler = listener.accepted(other);
    other.handler.opened();
  }

  #fail(end: StreamEnd, error: Error | null): void {
    if (end.gone) return;
    const handler = end.handler;
    end.drop();
    handler?.closed(error);
  }
}

function between(end: StreamEnd, a: string, b: string): boolean {
  return (end.host === a && end.remote.host === b) || (end.host === b && end.remote.host === a);
}

/** One end of a stream. */
class StreamEnd implements PeerStream {
  readonly host: string;
  readonly remote: Endpoint;
  unsentBytes = 0;
  handler: PeerStreamHandler | null = null;
  peer: StreamEnd | null = null;
  gone = false;
  deaf = false;
  paused = false;
  held: Happening[] = [];
  stopTimeout: () => void = () => {};
  readonly #network: MemoryNetwork;
  #closing = false;

  constructor(network: MemoryNetwork, host: string, remote: Endpoint) {
    this.#network = network;
    this.host = host;
    this.remote = remote;
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.gone || this.#closing || this.peer === null) return;
    this.unsentBytes += end - start;
    if (this.#network.loses(this)) return;
    this.#network.push({ kind: 'data', end: this.peer, bytes: new Uint8Array(bytes.subarray(start, end)) });
  }

  close(): void {
    if (this.gone || this.#closing) return;
    this.#closing = true;
    if (this.peer !== null && !this.#network.loses(this)) {
      this.#network.push({ kind: 'closed', end: this.peer, error: null });
    }
    this.#network.push({ kind: 'closed', end: this, error: null });
  }

  destroy(): void {
    if (this.gone) return;
    if (this.peer !== null && !this.#closing && !this.#network.loses(this)) {
      this.#network.push({ kind: 'closed', end: this.peer, error: null });
    }
    this.drop();
  }

  drop(): void {
    this.gone = true;
    this.handler = null;
    this.stopTimeout();
    this.#network.forget(this);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    for (const happening of this.held.splice(0)) this.#network.push(happening);
  }
}
