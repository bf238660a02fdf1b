import { encodeInitialMessage } from '@headkeeper/protocol';
import type { Clock, Endpoint, PeerNetwork, PeerStream, Timers } from '../../ports.ts';
import { type ElectionPeer, ElectionPeers, sameEndpoints } from './election-peers.ts';
import { ElectionStream, type ElectionStreamOwner } from './election-stream.ts';
import type { PeerAuthenticator } from './peer-authenticator.ts';

/** Accepted streams that have not yet said who they are, at once; the oldest has to go for a new one. */
const MAX_STRANGERS = 128;
/** A newer vote waits for the network while more than this is unsent, and takes the place of the one that waits. */
const HIGH_WATER_BYTES = 16_384;
/** A port that could not be bound is tried again after this long (election-protocol reference, 2.1). */
const BIND_RETRY_MS = 1_000;
/** Pauses between tries to connect: the first, and the longest while a vote waits, and otherwise. */
const FIRST_RETRY_MS = 20;
const WANTED_RETRY_MS = 1_000;
const IDLE_RETRY_MS = 5_000;
/** How long the side with the smaller id leaves it to the larger one to connect again, before it asks for it. */
const ASK_MS = 100;
/** A connection that lasted this long was sound: its end does not count as one more failure. */
const SOUND_MS = 1_000;

/** What the election links report. */
export interface ElectionLinksListener {
  /** A notification's bytes, which are the listener's to keep. */
  notification(from: number, payload: Uint8Array): void;
  /**
   * `up`: a new connection with that server is usable; one it replaces was not reported down before. Otherwise it broke,
   * or an attempt to make one was refused or timed out, which is told at every failed attempt.
   */
  link(sid: number, up: boolean): void;
  /** The port cannot be bound, or a peer was not let in. Nothing ends by it. */
  failed(error: Error): void;
}

export interface ElectionLinksOptions {
  /** This server's id. */
  readonly sid: number;
  readonly network: PeerNetwork;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly listener: ElectionLinksListener;
  readonly connectTimeoutMs: number;
  /** How long initial message and authentication may take. */
  readonly handshakeTimeoutMs: number;
  readonly authenticate?: PeerAuthenticator;
  /** Announces all own addresses, which only 3.6 and newer understand. Default: false. */
  readonly multiAddress?: boolean;
  /** Listens on every address of the machine, at the ports of the own ones (`quorumListenOnAllIPs`). Default: false. */
  readonly listenOnAllAddresses?: boolean;
}

interface Port {
  readonly at: Endpoint;
  stop: () => void;
}

/**
 * The connections of the election: one with every other server, opened by the one with the larger id (election-protocol
 * reference, section 2). They are kept alive between elections, so that the next one starts with live sockets.
 */
export class ElectionLinks implements ElectionStreamOwner {
  readonly #options: ElectionLinksOptions;
  readonly #peers: ElectionPeers = new ElectionPeers();
  readonly #strangers: Set<ElectionStream> = new Set();
  /** Which peer a stream belongs to. */
  readonly #owners: Map<ElectionStream, ElectionPeer> = new Map();
  #own: readonly Endpoint[] = [];
  #ports: Port[] = [];
  #isStopped = false;

  constructor(options: ElectionLinksOptions) {
    this.#options = options;
  }

  /**
   * Sets this server's own election addresses, which are listened on and announced, and the servers to be connected with.
   * What stays the same keeps its port and its connections. The own id among the peers is ignored. Throws when there is no
   * own address.
   */
  configure(own: readonly Endpoint[], peers: ReadonlyMap<number, readonly Endpoint[]>): void {
    if (own.length === 0) throw new RangeError('a server needs an election address');
    this.#own = own;
    this.#listen(this.#options.listenOnAllAddresses === true ? wildcards(own) : own);
    for (const peer of this.#peers.all()) {
      if (peers.has(peer.sid)) continue;
      peer.endpoints = [];
      this.#abandon(peer);
    }
    for (const [sid, endpoints] of peers) {
      if (sid === this.#options.sid) continue;
      const peer = this.#peers.known(sid);
      if (sameEndpoints(peer.endpoints, endpoints)) continue;
      peer.endpoints = endpoints;
      peer.backoffMs = 0;
      this.#abandon(peer);
      this.#tryAgain(peer, 0);
    }
  }

  /**
   * Sends a notification, at once or as soon as there is a connection; one that still waits is replaced. The payload must
   * not change any more. Ignored for this server itself and for one that is neither configured nor connected.
   */
  send(sid: number, payload: Uint8Array): void {
    const peer = this.#peers.find(sid);
    if (peer === null || this.#isStopped) return;
    peer.last = payload;
    if (peer.live !== null) {
      peer.slot = payload;
      this.#flush(peer, peer.live);
      this.#countUnanswered(peer);
      return;
    }
    const wasIdle = peer.slot === null;
    peer.slot = payload;
    if (wasIdle) this.#hurry(peer);
  }

  /** Connects to every configured server that there is no connection with, without waiting for the next try. */
  connectMissing(): void {
    for (const peer of this.#peers.all()) {
      if (peer.live !== null || peer.endpoints.length === 0) continue;
      peer.backoffMs = 0;
      this.#hurry(peer);
    }
  }

  /** Closes everything; nothing more is told. */
  stop(): void {
    this.#isStopped = true;
    for (const port of this.#ports) port.stop();
    this.#ports = [];
    for (const peer of this.#peers.all()) peer.stopRetry();
    for (const stream of [...this.#owners.keys(), ...this.#strangers]) stream.destroy();
    this.#owners.clear();
    this.#strangers.clear();
  }

  connected(stream: ElectionStream): void {
    const peer = this.#owners.get(stream);
    if (peer === undefined) return;
    for (const other of peer.attempt) if (other !== stream) this.#drop(other);
    peer.attempt = new Set([stream]);
  }

  ready(stream: ElectionStream, sid: number, announced: readonly Endpoint[]): void {
    const me = this.#options.sid;
    const opened = this.#owners.get(stream);
    if (opened !== undefined) {
      opened.attempt.delete(stream);
      if (opened.sid < me) {
        this.#keep(opened, stream);
      } else {
        this.#owners.delete(stream);
        stream.close();
        // It connects back, or it is asked again.
        this.#retryLater(opened);
      }
      return;
    }
    this.#strangers.delete(stream);
    // An observer without an id (it says 2^63 - 1) could not be told from others, and nobody can run one.
    const peer = sid === me || sid < 0 || !Number.isSafeInteger(sid) ? null : this.#peers.admit(sid);
    if (peer === null) {
      stream.close();
      this.#options.listener.failed(new Error(refusedSid(sid, me, stream.stream)));
    } else if (sid > me) {
      this.#abandon(peer);
      this.#keep(peer, stream);
    } else {
      stream.close();
      this.#callBack(peer, announced);
    }
  }

  frame(stream: ElectionStream, payload: Uint8Array): void {
    const peer = this.#owners.get(stream);
    if (peer === undefined) return;
    peer.unanswered.heard();
    this.#options.listener.notification(peer.sid, payload);
  }

  drained(stream: ElectionStream): void {
    const peer = this.#owners.get(stream);
    if (peer !== undefined && peer.live === stream) this.#flush(peer, stream);
  }

  ended(stream: ElectionStream, error: Error | null, isFault: boolean): void {
    const { listener, clock } = this.#options;
    const peer = this.#owners.get(stream);
    this.#owners.delete(stream);
    this.#strangers.delete(stream);
    if (isFault) listener.failed(new Error(faultOf(stream.stream, peer, error)));
    if (peer === undefined || this.#isStopped) return;
    if (peer.live === stream) {
      peer.live = null;
      peer.brokenMs = clock.monotonicMs();
      if (clock.monotonicMs() - peer.liveSinceMs >= SOUND_MS) {
        peer.backoffMs = 0;
        this.#hurry(peer);
      } else {
        this.#retryLater(peer);
      }
    } else {
      peer.attempt.delete(stream);
      if (peer.attempt.size > 0) return;
      // The attempt was made beside a connection that seemed dead; it is not when something came in the meantime.
      if (peer.live !== null && !peer.unanswered.isSilent) return;
      this.#hangUp(peer);
      this.#retryLater(peer);
    }
    listener.link(peer.sid, false);
  }

  /** Takes the stream as the connection with the peer, in place of any other. */
  #keep(peer: ElectionPeer, stream: ElectionStream): void {
    this.#hangUp(peer);
    peer.stopRetry();
    peer.announced = null;
    peer.live = stream;
    peer.liveSinceMs = this.#options.clock.monotonicMs();
    peer.unanswered.reset();
    this.#owners.set(stream, peer);
    peer.slot ??= peer.last;
    this.#options.listener.link(peer.sid, true);
    if (peer.live === stream) this.#flush(peer, stream);
  }

  /** The peer, whose id is the smaller one, wants to be connected to. */
  #callBack(peer: ElectionPeer, announced: readonly Endpoint[]): void {
    this.#hangUp(peer);
    if (announced.length > 0) peer.announced = announced;
    const isUnderWay = peer.attempt.size > 0 && sameEndpoints(peer.attemptAt, targetOf(peer));
    if (!isUnderWay) {
      this.#abandon(peer);
      this.#connect(peer);
    }
  }

  #connect(peer: ElectionPeer): void {
    peer.stopRetry();
    if (this.#isStopped || peer.attempt.size > 0) return;
    const { timers, network, handshakeTimeoutMs, connectTimeoutMs, authenticate } = this.#options;
    const target = targetOf(peer);
    // Called back at what it announced once; then the configuration is right again.
    if (peer.endpoints.length > 0) peer.announced = null;
    peer.attemptAt = target;
    for (const to of target) {
      const stream = new ElectionStream(
        {
          timers,
          timeoutMs: handshakeTimeoutMs,
          initial: () => this.#initialMessage(),
          exchange: () => (peer.endpoints.length > 0 ? (authenticate?.opener() ?? null) : null),
        },
        this,
      );
      this.#owners.set(stream, peer);
      peer.attempt.add(stream);
      stream.stream = network.connect(to, connectTimeoutMs, stream);
    }
  }

  #initialMessage(): Uint8Array {
    return encodeInitialMessage(this.#options.sid, this.#own, this.#options.multiAddress === true);
  }

  /** Connects now; the smaller side, whose connection broke a moment ago, first leaves the larger one its time. */
  #hurry(peer: ElectionPeer): void {
    if (peer.attempt.size > 0) return;
    const { sid, clock } = this.#options;
    const waitMs = sid < peer.sid ? peer.brokenMs + ASK_MS - clock.monotonicMs() : 0;
    this.#tryAgain(peer, Math.max(0, waitMs));
  }

  #retryLater(peer: ElectionPeer): void {
    if (peer.endpoints.length === 0 && (peer.slot === null || peer.backoffMs >= WANTED_RETRY_MS)) {
      peer.slot = null;
      return;
    }
    const first = this.#options.sid < peer.sid ? ASK_MS : FIRST_RETRY_MS;
    const longest = peer.slot === null ? IDLE_RETRY_MS : WANTED_RETRY_MS;
    peer.backoffMs = Math.min(Math.max(first, 2 * peer.backoffMs), longest);
    this.#tryAgain(peer, peer.backoffMs);
  }

  /** Connects in `delayMs`, unless there is a connection by then. */
  #tryAgain(peer: ElectionPeer, delayMs: number): void {
    peer.stopRetry();
    if (this.#isStopped) return;
    peer.stopRetry = this.#options.timers.set(delayMs, () => {
      if (peer.live === null) this.#connect(peer);
    });
  }

  #flush(peer: ElectionPeer, stream: ElectionStream): void {
    if (peer.slot === null || stream.unsentBytes > HIGH_WATER_BYTES) return;
    const payload = peer.slot;
    peer.slot = null;
    stream.send(payload);
  }

  /** A connection on which votes go out and nothing ever comes back may be dead without anybody knowing: makes a new one. */
  #countUnanswered(peer: ElectionPeer): void {
    if (peer.unanswered.sent(this.#options.clock.monotonicMs())) this.#connect(peer);
  }

  /** Gives up the attempt to connect. */
  #abandon(peer: ElectionPeer): void {
    peer.stopRetry();
    for (const stream of peer.attempt) this.#drop(stream);
    peer.attempt = new Set();
  }

  /** Closes the connection, if there is one. */
  #hangUp(peer: ElectionPeer): void {
    if (peer.live === null) return;
    this.#drop(peer.live);
    peer.live = null;
  }

  #drop(stream: ElectionStream): void {
    this.#owners.delete(stream);
    stream.destroy();
  }

  #accept(stream: PeerStream): ElectionStream {
    const { timers, handshakeTimeoutMs, authenticate } = this.#options;
    const accepted = new ElectionStream(
      { timers, timeoutMs: handshakeTimeoutMs, initial: null, exchange: () => authenticate?.acceptor() ?? null },
      this,
    );
    accepted.stream = stream;
    for (const oldest of this.#strangers) {
      if (this.#strangers.size < MAX_STRANGERS) break;
      this.#strangers.delete(oldest);
      oldest.destroy();
    }
    this.#strangers.add(accepted);
    return accepted;
  }

  #listen(at: readonly Endpoint[]): void {
    const kept = this.#ports.filter((port) => at.some((to) => sameEndpoints([to], [port.at])));
    for (const port of this.#ports) if (!kept.includes(port)) port.stop();
    this.#ports = kept;
    for (const to of at) {
      if (kept.some((port) => sameEndpoints([to], [port.at]))) continue;
      const port: Port = { at: to, stop: () => {} };
      kept.push(port);
      this.#bind(port);
    }
  }

  #bind(port: Port): void {
    const { network, timers, listener } = this.#options;
    port.stop = network.listen(
      port.at,
      (stream) => this.#accept(stream),
      (error) => {
        if (error === null) return;
        listener.failed(new Error(`election port ${port.at.host}:${port.at.port}: ${error.message}`, { cause: error }));
        port.stop = timers.set(BIND_RETRY_MS, () => this.#bind(port));
      },
    );
  }
}

/** Where to connect to: the address that a server has just announced goes before the configured one. */
function targetOf(peer: ElectionPeer): readonly Endpoint[] {
  return peer.announced ?? peer.endpoints;
}

/** One address that stands for all of the machine, per port. */
function wildcards(own: readonly Endpoint[]): Endpoint[] {
  return [...new Set(own.map((at) => at.port))].map((port) => ({ host: '', port }));
}

function refusedSid(sid: number, me: number, stream: PeerStream | null): string {
  const from = `the server at ${stream?.remote.host}`;
  if (sid === me) return `${from} has the same id as this one, ${me}: every server needs its own in myid`;
  return `${from} was not let in with the id ${sid}`;
}

function faultOf(stream: PeerStream | null, peer: ElectionPeer | undefined, error: Error | null): string {
  const who = peer === undefined ? '' : ` of server ${peer.sid}`;
  return `election connection${who} with ${stream?.remote.host}:${stream?.remote.port}: ${error?.message}`;
}
