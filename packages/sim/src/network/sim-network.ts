import type { Endpoint, PeerNetwork, PeerStream, PeerStreamHandler } from '@headkeeper/server/internal';
import { EventKind } from '../world/event-queue.ts';
import { MS, SECOND, type World } from '../world/world.ts';
import { Host, type HostProcess, type HostStream } from './host.ts';
import { Link, type LinkState } from './link.ts';
import { Pipe } from './pipe.ts';
import { SentBytes } from './sent-bytes.ts';
import { networkError, Stream } from './stream.ts';
import type { StreamTap } from './stream-tap.ts';

/** Sees every stream at its birth and may listen to either end. */
export type StreamObserver = (
  from: Host,
  to: Host,
  port: number,
) => {
  readonly connecting: StreamTap | null;
  readonly accepting: StreamTap | null;
} | null;

/** How long the operating system itself tries to connect. */
const CONNECT_TIMEOUT = 120 * SECOND;
/** A connection attempt over a silent link is repeated this often. */
const SYN_RETRY = 1 * SECOND;

/**
 * Reliable streams between hosts under one seed. The faults are those of TCP: delay, pieces cut anywhere, stalls, silent and
 * refusing links in either direction, streams that die on one side only, resets, connections that never come to be. Within a
 * stream nothing is ever reordered.
 */
export class SimNetwork {
  readonly world: World;
  readonly hosts: Host[] = [];
  readonly #byName: Map<string, Host> = new Map();
  /** Memory of what is under way. */
  readonly #sent: SentBytes = new SentBytes();
  readonly #links: (Link | undefined)[][] = [];
  /** Set up each new link. */
  prepareLink: (link: Link, from: Host, to: Host) => void = () => {};
  observer: StreamObserver | null = null;
  /** The machine that a name leads to, asked at each connect. */
  resolve: (name: string) => string = (name) => name;
  /** Streams opened so far. */
  connections = 0;

  constructor(world: World) {
    this.world = world;
  }

  addHost(name: string, process: HostProcess): Host {
    const host = new Host(name, this.hosts.length, process);
    this.hosts.push(host);
    this.#byName.set(name, host);
    return host;
  }

  link(from: Host, to: Host): Link {
    let row = this.#links[from.index];
    if (row === undefined) {
      row = [];
      this.#links[from.index] = row;
    }
    let link = row[to.index];
    if (link === undefined) {
      link = new Link(this.world.stream(`link ${from.name} ${to.name}`), this.#sent);
      row[to.index] = link;
      this.prepareLink(link, from, to);
    }
    return link;
  }

  /** Changes a directed link; a refusing one resets the streams over it. */
  setLink(from: Host, to: Host, state: LinkState): void {
    const link = this.link(from, to);
    if (link.state === state) return;
    link.state = state;
    link.lastFault = this.world.now;
    if (state === 'silent') return;
    for (const pipe of link.waiting) pipe.healed();
    link.waiting.clear();
    if (state !== 'refuse') return;
    for (const host of [from, to]) {
      const other = host === from ? to : from;
      for (const stream of [...host.streams]) {
        if (stream.remote.host === other.name && !stream.isConnecting) {
          host.dispatch(() => stream.closedBy('ECONNRESET'));
        }
      }
    }
  }

  /** What a process on this host connects and listens with. */
  portOf(host: Host): PeerNetwork {
    return {
      listen: (at, accepted, listening) => this.#listen(host, at, accepted, listening),
      connect: (to, timeoutMs, handler) => this.connect(host, to, timeoutMs, handler),
    };
  }

  #listen(
    host: Host,
    at: Endpoint,
    accepted: (stream: PeerStream) => PeerStreamHandler,
    listening: (error: Error | null) => void,
  ): () => void {
    const isTaken = host.listeners.has(at.port);
    const listener = { accepted };
    if (!isTaken) host.listeners.set(at.port, listener);
    this.world.after(0, EventKind.connect, host.index, () => {
      host.dispatch(() => listening(isTaken ? networkError('EADDRINUSE') : null));
    });
    return () => {
      if (host.listeners.get(at.port) === listener) host.listeners.delete(at.port);
    };
  }

  /** A time-out of 0 leaves it to the operating system. */
  connect(host: Host, to: Endpoint, timeoutMs: number, handler: PeerStreamHandler): Stream {
    const { world } = this;
    const stream = new Stream(world, host, to);
    stream.handler = handler;
    const fail = (code: string): void => host.dispatch(() => stream.isConnecting && stream.closedBy(code));
    const target = this.#byName.get(this.resolve(to.host));
    if (target === undefined) {
      world.after(MS, EventKind.connect, host.index, () => fail('ENOTFOUND'));
      return stream;
    }
    const timeout = timeoutMs > 0 ? timeoutMs * MS : CONNECT_TIMEOUT;
    world.after(timeout, EventKind.connect, host.index, () => fail('ETIMEDOUT'));
    this.#knock(stream, host, target, to.port, fail, world.now + timeout);
    return stream;
  }

  #knock(stream: Stream, host: Host, target: Host, port: number, fail: (code: string) => void, giveUpAt: number): void {
    const { world } = this;
    const there = this.link(host, target);
    const back = this.link(target, host);
    const { life } = host;
    world.after(there.drawDelay(), EventKind.connect, target.index, () => {
      if (!stream.isConnecting || host.life !== life) return;
      const isSilent = there.state === 'silent' || back.state === 'silent' || !target.powered;
      if (isSilent || there.stalledUntil > world.now) {
        if (world.now + SYN_RETRY > giveUpAt) return;
        world.after(SYN_RETRY, EventKind.connect, host.index, () => {
          if (stream.isConnecting && host.life === life) this.#knock(stream, host, target, port, fail, giveUpAt);
        });
        return;
      }
      const listener = target.listeners.get(port);
      if (listener === undefined || there.state === 'refuse' || back.state === 'refuse') {
        world.after(back.drawDelay(), EventKind.connect, host.index, () => fail('ECONNREFUSED'));
        return;
      }
      this.#join(stream, host, target, port, listener.accepted);
    });
  }

  #join(
    stream: Stream,
    host: Host,
    target: Host,
    port: number,
    accept: (stream: PeerStream) => PeerStreamHandler,
  ): void {
    const { world } = this;
    this.connections++;
    const other = new Stream(world, target, { host: host.name, port: 40_000 + (this.connections % 20_000) });
    const there = new Pipe(world, this.link(host, target), stream, other);
    const back = new Pipe(world, this.link(target, host), other, stream);
    stream.outgoing = there;
    stream.incoming = back;
    other.outgoing = back;
    other.incoming = there;
    const taps = this.observer?.(host, target, port) ?? null;
    stream.tap = taps?.connecting ?? null;
    other.tap = taps?.accepting ?? null;
    // The machines agree first; the processes hear of it when they get to it.
    other.establish();
    target.dispatch(() => {
      if (other.isThere) other.accepted(accept(other));
    });
    world.after(this.link(target, host).drawDelay(), EventKind.connect, host.index, () => {
      host.dispatch(() => {
        if (stream.isConnecting) stream.open();
      });
    });
  }

  /** The process of a host ends; its machine closes what it held, or falls silent with it. */
  endProcess(host: Host, how: 'exit' | 'power'): void {
    host.life++;
    host.listeners.clear();
    if (how === 'power') host.powered = false;
    for (const stream of [...host.streams]) {
      const ending = how === 'power' ? 'silence' : this.link(host, host).random.below(2) === 0 ? 'fin' : 'reset';
      stream.orphaned(ending);
    }
  }

  /** One stream of the host's goes on looking alive, and carries nothing more, in one direction or both. */
  halfOpen(stream: HostStream, direction: 'out' | 'in' | 'both'): void {
    for (const pipe of [direction === 'in' ? null : stream.outgoing, direction === 'out' ? null : stream.incoming]) {
      if (pipe === null) continue;
      pipe.swallows = true;
      // Nobody can say when the two sides will have noticed.
      pipe.link.lastFault = Number.POSITIVE_INFINITY;
    }
  }
}
