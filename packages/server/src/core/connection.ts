import { encodeAuthinfo, type Identity, Writer } from '@headkeeper/protocol';
import type { SaslMechanism } from '../ports.ts';
import { Forwards } from './order/forwards.ts';
import { SessionOrder } from './order/session-order.ts';
import type { Held } from './overload/overload-counters.ts';

/**
 * Where a connection stands. `handshake`: waiting for its ConnectRequest. `connecting`: its session is being created, its
 * input waits. `open`. `closing`: what is queued is still sent, nothing more is read. `closed`: gone.
 */
export type ConnectionState = 'handshake' | 'connecting' | 'open' | 'closing' | 'closed';

const INITIAL_OUTPUT_BYTES = 128;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The SASL exchange of a connection; it has one. */
export interface SaslExchange {
  readonly mechanism: SaslMechanism;
  /** The longest token that it takes, bytes. */
  readonly tokenBytes: number;
  readonly sinceMs: number;
  isOver: boolean;
}

/** A client's connection as the core sees it: no socket, only the state that belongs to it. */
export class Connection {
  /** Small number, unique among the open connections; used again after the connection is gone. */
  readonly id: number;
  /** The peer's address as text, for the `ip` scheme and the operators' commands. */
  readonly address: string;
  state: ConnectionState = 'handshake';
  session: Session | null = null;
  /** The end of this server's history when the session was attached: what the session did elsewhere before lies within it. */
  attachedZxid = 0;
  /** Who the client is. Replaced, never changed, so that a waiting request keeps the set of its arrival. */
  identities: readonly Identity[];
  /** Whether it has to prove more before anything else is answered. */
  isWanting = false;
  /** Null until its client begins to authenticate by SASL. */
  exchange: SaslExchange | null = null;
  /** Replies and events not yet handed to the socket. The driver empties it. */
  readonly out: Writer = new Writer(INITIAL_OUTPUT_BYTES);
  /** Requests that wait behind this connection's own writes, and the places of those writes. */
  readonly order: SessionOrder;
  /** The identities as they go to the leader, and of which list they are. */
  #authinfo: Uint8Array | null = null;
  #authinfoOf: readonly Identity[] | null = null;
  #forwards: Forwards | null = null;
  /** Input that has not been consumed: the beginning of a frame, or frames that must wait. */
  input: Uint8Array = NO_BYTES;
  inputLength = 0;
  /** Since when it waits: its oldest byte, monotonic milliseconds. */
  inputSinceMs = 0;
  /** Whether its input waits until it is the connection's turn. */
  isStalled = false;
  /** Whether its client is a part of this server. */
  isOwn = false;
  /** Whether its input waits because its output is large; goes on with a `clientDrained` event. */
  outputFull = false;
  /** Whether it is in the list of connections with output for the driver. */
  dirty = false;
  /** Whether a sync is with the leader: what comes behind it waits, since its answer may come after those of later writes. */
  syncing = false;
  /** Whether its client has asked to close the session: nothing more is read. */
  leaving = false;
  /** Whether the handshake carried the readOnly byte, so that the answer must too. */
  sendsReadOnly = true;
  /** Session timeout negotiated on this connection, in milliseconds. */
  timeoutMs = 0;
  /** When the connection was accepted, and when it last said something; wall and monotonic milliseconds. */
  readonly establishedWallMs: number;
  readonly openedMs: number;
  lastHeardMs: number;
  readonly statistics: ConnectionStatistics = new ConnectionStatistics();
  readonly traffic: ConnectionTraffic = new ConnectionTraffic();

  /** `held`: where what it makes this server hold is counted. */
  constructor(id: number, address: string, nowMs: number, wallMs: number, held: Held) {
    this.id = id;
    this.order = new SessionOrder(held);
    this.address = address;
    this.identities = [{ scheme: 'ip', id: address }];
    this.establishedWallMs = wallMs;
    this.openedMs = nowMs;
    this.lastHeardMs = nowMs;
  }

  /** The identities in the form of packets between servers; encoded once. */
  get authinfo(): Uint8Array {
    if (this.#authinfo === null || this.#authinfoOf !== this.identities) {
      this.#authinfoOf = this.identities;
      this.#authinfo = encodeAuthinfo(this.identities);
    }
    return this.#authinfo;
  }

  /** On a learner: requests that are with the leader. */
  get forwards(): Forwards {
    this.#forwards ??= new Forwards();
    return this.#forwards;
  }
}

/**
 * A session: replicated id and timeout, and what only this server knows about it. It lives beside the connection that
 * serves it, since each knows the other.
 */
export class Session {
  /** Small number, unique among the live sessions. */
  readonly slot: number;
  readonly idHigh: number;
  readonly idLow: number;
  /** The timeout of its createSession txn, in milliseconds. */
  readonly timeoutMs: number;
  connection: Connection | null = null;
  /**
   * On a leader: the server that serves the session, -2 for this one itself, -1 while nobody is known to. It stays when that
   * server is gone: what it had passed on may still arrive, after the client has moved.
   */
  owner = -1;
  /** On a learner: whether the leader is still to hear that the session lives, and with which timeout. */
  touched = false;
  touchedTimeoutMs = 0;
  /** Known to one server only: it may own no ephemerals. */
  isLocal = false;
  /** On a leader: a closeSession txn is on its way: nothing of this session may be proposed any more. */
  closing = false;
  /** Who asked for the session while it was closing: they are told once it is closed, for it may yet live on. */
  whenClosed: (() => void)[] | null = null;
  /** Slots of its ephemeral znodes; null until the first one. */
  ephemerals: Set<number> | null = null;
  nextSameLow: Session | null = null;

  constructor(slot: number, idHigh: number, idLow: number, timeoutMs: number) {
    this.slot = slot;
    this.idHigh = idHigh;
    this.idLow = idLow;
    this.timeoutMs = timeoutMs;
  }
}

/** What has gone through a connection since it was opened. */
export class ConnectionTraffic {
  requests = 0;
  bytesReceived = 0;
  bytesSent = 0;
}

/** What `cons` tells about a connection. Latencies in milliseconds. */
export class ConnectionStatistics {
  received = 0;
  sent = 0;
  lastOpcode = 0;
  lastCxid = -1;
  lastZxid = 0;
  lastResponseMs = 0;
  lastLatencyMs = 0;
  minLatencyMs = -1;
  maxLatencyMs = 0;
  totalLatencyMs = 0;
  /** Replies that the latencies are of. */
  answers = 0;

  reset(): void {
    this.received = 0;
    this.sent = 0;
    this.lastOpcode = 0;
    this.lastCxid = -1;
    this.lastLatencyMs = 0;
    this.minLatencyMs = -1;
    this.maxLatencyMs = 0;
    this.totalLatencyMs = 0;
    this.answers = 0;
  }

  answered(opcode: number, cxid: number, zxid: number, latencyMs: number, nowMs: number): void {
    this.sent++;
    this.answers++;
    this.lastOpcode = opcode;
    // Pings and other requests with special xids leave it, as in Apache.
    if (cxid >= 0) this.lastCxid = cxid;
    this.lastZxid = zxid;
    this.lastResponseMs = nowMs;
    this.lastLatencyMs = latencyMs;
    if (this.minLatencyMs < 0 || latencyMs < this.minLatencyMs) this.minLatencyMs = latencyMs;
    if (latencyMs > this.maxLatencyMs) this.maxLatencyMs = latencyMs;
    this.totalLatencyMs += latencyMs;
  }
}
