import type { Endpoint, PeerNetwork, PeerStream, Timers } from '../../ports.ts';
import type { PeerAuthenticator } from './peer-authenticator.ts';
import { QuorumStream } from './quorum-stream.ts';

/** A port that could not be bound is tried again after this long, milliseconds. */
const BIND_RETRY_MS = 200;
/** A link that is to end once everything is sent, and does not, is dropped after this long. */
const LINGER_MS = 5_000;
/** Streams that have not yet shown to be a learner's, at once; the oldest has to go for a new one. */
const MAX_UNPROVEN = 128;
/** Learners at once. */
const MAX_LEARNERS = 1_024;

/** `leader`: this server connected; `learner`: the other one did. */
export type QuorumLinkKind = 'leader' | 'learner';

/** What the links between leader and learners report. Links are numbered from 1; a number is not used twice. */
export interface QuorumLinksListener {
  /** The link carries data. A learner's is shown only when its first bytes are there. */
  open(link: number, kind: QuorumLinkKind, remote: Endpoint): void;
  /** The bytes are valid during the call only. */
  data(link: number, bytes: Uint8Array): void;
  /** The link is gone, or no connection came to be in time. Not called after `close(link)`. */
  closed(link: number, error: Error | null): void;
  /** What was sent has mostly been taken by the network. */
  drained(link: number): void;
  /** The quorum port cannot be bound, or a peer was refused. What is wanted is tried again all the same. */
  failed(error: Error): void;
}

export interface QuorumLinksOptions {
  readonly network: PeerNetwork;
  readonly timers: Timers;
  readonly listener: QuorumLinksListener;
  /** How long an accepted peer has to authenticate and to say its first word, and an accepting one to authenticate. */
  readonly handshakeTimeoutMs: number;
  readonly authenticate?: PeerAuthenticator;
}

export interface QuorumConnectOptions {
  /** Pause before an address that refused is tried again, milliseconds. */
  readonly retryMs: number;
  /** When to give up, milliseconds. */
  readonly timeoutMs: number;
}

interface Port {
  readonly at: Endpoint;
  stop: () => void;
}

/** A connection that is being made: one try per address at a time, the first that is good wins. */
interface Race {
  readonly link: number;
  readonly tries: Set<QuorumStream>;
  readonly retries: Set<() => void>;
  readonly stopDeadline: () => void;
  lastError: Error | null;
}

/**
 * The connections between leader and learners, as pipes of bytes with numbers. It knows nothing of what is said on them,
 * but for the authentication that comes first.
 */
export class QuorumLinks {
  readonly #options: QuorumLinksOptions;
  readonly #links: Map<number, QuorumStream> = new Map();
  readonly #races: Map<number, Race> = new Map();
  readonly #unproven: Set<QuorumStream> = new Set();
  readonly #closing: Map<PeerStream, () => void> = new Map();
  #ports: Port[] = [];
  #learners = 0;
  #lastLink = 0;

  constructor(options: QuorumLinksOptions) {
    this.#options = options;
  }

  /**
   * Makes these the addresses that learners can connect to; an empty list ends it. Ports that are wanted already stay
   * bound, and so do the links that came over others. A port that cannot be bound is tried again until it is not wanted.
   */
  listen(endpoints: readonly Endpoint[]): void {
    const kept: Port[] = [];
    for (const port of this.#ports) {
      if (endpoints.some((at) => at.host === port.at.host && at.port === port.at.port)) kept.push(port);
      else port.stop();
    }
    this.#ports = kept;
    for (const at of endpoints) {
      if (kept.some((port) => port.at.host === at.host && port.at.port === at.port)) continue;
      const port: Port = { at, stop: () => {} };
      kept.push(port);
      this.#bind(port);
    }
  }

  /**
   * Connects to the first of these addresses that answers, all tried at once; what is refused is tried again. Returns the
   * number of the link, which is told `open` or `closed` later. Throws when there is no address.
   */
  connect(endpoints: readonly Endpoint[], { retryMs, timeoutMs }: QuorumConnectOptions): number {
    if (endpoints.length === 0) throw new RangeError('no address to connect to');
    const link = ++this.#lastLink;
    const race: Race = {
      link,
      tries: new Set(),
      retries: new Set(),
      lastError: null,
      stopDeadline: this.#options.timers.set(timeoutMs, () => {
        this.#endRace(race);
        this.#options.listener.closed(link, race.lastError ?? new Error(`no answer within ${timeoutMs} ms`));
      }),
    };
    this.#races.set(link, race);
    for (const to of endpoints) this.#try(race, to, retryMs, timeoutMs);
    return link;
  }

  /** Sends `bytes[start, end)`, which the caller may use again. Ignored when the link is not open. */
  send(link: number, bytes: Uint8Array, start: number, end: number): void {
    this.#links.get(link)?.stream?.write(bytes, start, end);
  }

  /** Ends the link after what was sent, or ends the attempt to connect. Nothing more is told of it. */
  close(link: number): void {
    const race = this.#races.get(link);
    if (race !== undefined) this.#endRace(race);
    const open = this.#links.get(link);
    if (open === undefined) return;
    this.#forget(link, open);
    const stream = open.release(() => {
      this.#closing.get(stream)?.();
      this.#closing.delete(stream);
    });
    this.#closing.set(
      stream,
      this.#options.timers.set(LINGER_MS, () => {
        this.#closing.delete(stream);
        stream.destroy();
      }),
    );
    stream.close();
  }

  /** Bytes sent and not yet taken by the network; 0 when the link is not open. */
  unsent(link: number): number {
    return this.#links.get(link)?.stream?.unsentBytes ?? 0;
  }

  /** Stops reading from the link. */
  pause(link: number): void {
    this.#links.get(link)?.stream?.pause();
  }

  resume(link: number): void {
    this.#links.get(link)?.stream?.resume();
  }

  /** Drops everything at once; nothing is told of it. */
  stop(): void {
    this.listen([]);
    for (const race of [...this.#races.values()]) this.#endRace(race);
    for (const stream of [...this.#unproven]) stream.destroy();
    this.#unproven.clear();
    for (const [link, open] of [...this.#links]) {
      this.#forget(link, open);
      open.destroy();
    }
    for (const [stream, stopTimer] of this.#closing) {
      stopTimer();
      stream.destroy();
    }
    this.#closing.clear();
  }

  #bind(port: Port): void {
    const { network, timers, listener } = this.#options;
    port.stop = network.listen(
      port.at,
      (stream) => this.#accept(stream),
      (error) => {
        if (error === null) return;
        listener.failed(new Error(`quorum port ${port.at.host}:${port.at.port}: ${error.message}`, { cause: error }));
        port.stop();
        port.stop = timers.set(BIND_RETRY_MS, () => this.#bind(port));
      },
    );
  }

  #accept(stream: PeerStream): QuorumStream {
    const { timers, listener, authenticate, handshakeTimeoutMs } = this.#options;
    let link = 0;
    const accepted = new QuorumStream({
      timers,
      timeoutMs: handshakeTimeoutMs,
      awaitsData: true,
      exchange: () => authenticate?.acceptor() ?? null,
      proven: () => {
        this.#unproven.delete(accepted);
        if (this.#learners >= MAX_LEARNERS) {
          listener.failed(new Error(`a learner at ${stream.remote.host} is one too many`));
          accepted.destroy();
          return;
        }
        this.#learners++;
        link = ++this.#lastLink;
        this.#links.set(link, accepted);
        listener.open(link, 'learner', stream.remote);
      },
      data: (bytes) => listener.data(link, bytes),
      drained: () => listener.drained(link),
      closed: (error, isRefusal) => {
        this.#unproven.delete(accepted);
        if (isRefusal) listener.failed(refusal(stream.remote, error));
        if (link === 0) return;
        this.#forget(link, accepted);
        listener.closed(link, error);
      },
    });
    accepted.stream = stream;
    for (const oldest of this.#unproven) {
      if (this.#unproven.size < MAX_UNPROVEN) break;
      this.#unproven.delete(oldest);
      oldest.destroy();
    }
    this.#unproven.add(accepted);
    return accepted;
  }

  #try(race: Race, to: Endpoint, retryMs: number, timeoutMs: number): void {
    const { network, timers, listener, authenticate, handshakeTimeoutMs } = this.#options;
    const { link } = race;
    let isOpen = false;
    const attempt = new QuorumStream({
      timers,
      timeoutMs: handshakeTimeoutMs,
      awaitsData: false,
      exchange: () => authenticate?.opener() ?? null,
      proven: () => {
        isOpen = true;
        race.tries.delete(attempt);
        this.#endRace(race);
        this.#links.set(link, attempt);
        listener.open(link, 'leader', to);
      },
      data: (bytes) => listener.data(link, bytes),
      drained: () => listener.drained(link),
      closed: (error, isRefusal) => {
        if (isRefusal) listener.failed(refusal(to, error));
        if (isOpen) {
          this.#forget(link, attempt);
          listener.closed(link, error);
          return;
        }
        race.tries.delete(attempt);
        race.lastError = error ?? race.lastError;
        const stopRetry = timers.set(retryMs, () => {
          race.retries.delete(stopRetry);
          this.#try(race, to, retryMs, timeoutMs);
        });
        race.retries.add(stopRetry);
      },
    });
    race.tries.add(attempt);
    attempt.stream = network.connect(to, timeoutMs, attempt);
  }

  #endRace(race: Race): void {
    this.#races.delete(race.link);
    race.stopDeadline();
    for (const stopRetry of race.retries) stopRetry();
    for (const attempt of race.tries) attempt.destroy();
    race.retries.clear();
    race.tries.clear();
  }

  #forget(link: number, open: QuorumStream): void {
    if (!this.#links.delete(link)) return;
    if (open.isAccepted) this.#learners--;
  }
}

function refusal(remote: Endpoint, error: Error | null): Error {
  return new Error(`quorum connection with ${remote.host}:${remote.port} refused: ${error?.message ?? 'no reason'}`);
}
