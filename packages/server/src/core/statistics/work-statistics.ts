import { decodeUtf8, EventType } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import { NamespaceTraffic, OTHER_NAMESPACES } from './namespace-traffic.ts';
import { type Distribution, Observations } from './observations.ts';

const SLASH = 0x2f;

/**
 * What a server has done for its clients since its process began, as the metrics tell it. Times in milliseconds of the clock
 * that stamps the events: what takes less than one counts as 0.
 */
export class WorkStatistics {
  // Requests.
  /** From arrival to answer, of the reads that had to wait. */
  readonly readLatency: Observations = new Observations();
  /** From arrival to answer, of the writes of this server's clients. */
  readonly updateLatency: Observations = new Observations();
  /** From the leader's numbering of a txn until it is applied here, by the wall clocks of the two. */
  readonly propagation: Observations = new Observations();
  /** From taken in to applied, of txns that no client of this server waits for. */
  readonly othersWriteTime: Observations = new Observations();
  /** Reads answered out of one piece of input. */
  readonly readsTogether: Observations = new Observations();
  /** Txns committed together, and those that were outstanding then. */
  readonly writesTogether: Observations = new Observations();
  readonly writesOutstanding: Observations = new Observations();
  committed = 0;
  /** Writes that were to become txns. */
  proposed = 0;
  /** Changes of znodes that were foreseen for txns, and that were applied or taken back. */
  changesForeseen = 0;
  changesSettled = 0;

  // The order of a connection's requests behind its own writes.
  /** How many wait when one more has to. */
  readonly waitingRequests: Observations = new Observations();
  /** Reads behind a write that go on with its answer. */
  readonly readsAfterWrite: Observations = new Observations();
  /** Connections with requests that wait, at each tick. */
  readonly waitingConnections: Observations = new Observations();
  /** A 1 for each connection whose requests wait no more. */
  readonly ordersDrained: Observations = new Observations();

  // Bytes.
  bytesReceived = 0;
  /** Bytes of replies and watch events that have left the core. */
  sentBytes = 0;
  watchBytes = 0;
  /** Input of one connection that has to wait for more, or for its turn. */
  readonly keptInput: Observations = new Observations();
  /** Paths, data and Stat of what was read; paths and data of what was written: Apache counts so. */
  readonly reads: NamespaceTraffic = new NamespaceTraffic();
  readonly writes: NamespaceTraffic = new NamespaceTraffic();

  // Watches, by the kind of change: how many clients it was told.
  readonly createdFires: Observations = new Observations();
  readonly deletedFires: Observations = new Observations();
  readonly dataFires: Observations = new Observations();
  readonly childrenFires: Observations = new Observations();

  // Connections and sessions.
  handshakes = 0;
  /** Handshakes that go on with a session. */
  returns = 0;
  /** Connections that their clients have ended without closing the session. */
  dropped = 0;
  /** Connections closed because they opened no session in time. */
  sessionless = 0;
  sessionsExpired = 0;
  /** Connections closed because this server could not serve them. */
  closedUnserved = 0;

  /** Writes refused for a hard quota, by namespace. */
  readonly quotaExceeded: Map<string, number> = new Map();

  fired(eventType: number, clients: number): void {
    if (eventType === EventType.nodeDataChanged) this.dataFires.add(clients);
    else if (eventType === EventType.nodeChildrenChanged) this.childrenFires.add(clients);
    else if (eventType === EventType.nodeCreated) this.createdFires.add(clients);
    else this.deletedFires.add(clients);
  }

  /** A write to the path `bytes[start, end)` was refused for a hard quota. */
  exceeded(bytes: Uint8Array, start: number, end: number): void {
    let to = start + 1;
    while (to < end && bytes[to] !== SLASH) to++;
    const isLong = to - start > limits.metricKeyBytes;
    const name = isLong ? OTHER_NAMESPACES : decodeUtf8(bytes, start + 1, to);
    const known = this.quotaExceeded.get(name);
    const key = known === undefined && this.quotaExceeded.size >= limits.metricNamespaces ? OTHER_NAMESPACES : name;
    this.quotaExceeded.set(key, (this.quotaExceeded.get(key) ?? 0) + 1);
  }

  /** The latency of all reads, `atOnce` of which were answered in the step that brought them: they took 0 ms. */
  allReads(atOnce: number): Distribution {
    const { readLatency } = this;
    if (atOnce <= 0) return readLatency;
    const counts = new Float64Array(Math.max(1, readLatency.counts.length));
    counts.set(readLatency.counts);
    counts[0] += atOnce;
    return { count: atOnce + readLatency.count, sum: readLatency.sum, min: 0, max: readLatency.max, counts };
  }
}
