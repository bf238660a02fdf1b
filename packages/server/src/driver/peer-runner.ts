import type { Database } from '../core/database.ts';
import type { Event } from '../core/events.ts';
import { InvariantViolation } from '../core/invariants.ts';
import type { Membership } from '../core/membership/membership.ts';
import { PacketTrail } from '../core/packet-trail.ts';
import type { PeerLink } from '../core/peer-link.ts';
import type { EnsembleWork, MembershipChange, StorageOrder } from '../core/ready.ts';
import { limits } from '../limits.ts';
import {
  type Clock,
  type ElectionPort,
  type Endpoint,
  type EpochStore,
  type Epochs,
  type HistoryStore,
  HistoryUnreachable,
  type LogCursor,
  type QuorumPort,
  type Timers,
} from '../ports.ts';

/** Bytes that may wait on a link before more of the state, or of the log, is read for it. */
const FEED_HIGH_WATER = 1 << 20;
const LOG_CHUNK_BYTES = 256 << 10;
const ZNODES_PER_SLICE = 2048;

export interface PeerRunnerOptions {
  readonly sid: number;
  readonly membership: MembershipChange;
  readonly epochs: EpochStore;
  readonly stored: Epochs;
  readonly history: HistoryStore;
  /** Part of the newest snapshot's size up to which the log on the disk is sent instead; negative: never. */
  readonly snapshotSizeFactor: number;
  /** Port on which followers serve observers; null: none do. */
  readonly observerMasterPort: number | null;
  /** Says whether this server, one of two, may go on without the other; null: nobody does. */
  readonly oracle: (() => boolean) | null;
  /** Pause between two questions to the oracle. */
  readonly oracleEveryMs: number;
  readonly elections: ElectionPort;
  readonly quorum: QuorumPort;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly defer: (fn: () => void) => void;
  /** Reads the state from the disk again. */
  readonly recover: () => Database;
  /** This server has been synchronised by a leader. */
  readonly synced: () => void;
  readonly membershipChanged: (change: MembershipChange) => void;
  readonly note: (message: string) => void;
  /** As `note`, of what any peer can bring about as often as it likes. */
  readonly noteOfPeer: (message: string) => void;
  /** Packets of each way that are told of when a link ends, and the most bytes that the data of one may have; 0: none. */
  readonly keptPackets?: number;
  readonly packetLimit?: number;
}

/** What the runner needs of the driver. */
export interface PeerRunnerPort {
  step(event: Event): void;
  /** Closes the journal, after what it holds is durable, and waits until no snapshot is being written. */
  quiesce(done: () => void): void;
  /** Puts the state that was held ready on the disk in the place of the history, and hands it over. */
  installReplacement(): Database;
  /** Opens a journal that goes on behind `lastZxid`. */
  openJournal(lastZxid: number): void;
  /** Whether the core lets what the link sends lie for now. */
  isHeld(link: number): boolean;
  /** The core's side of a link; null when it is gone. */
  link(id: number): PeerLink | null;
  /** Packets were handed to the network, which took so many milliseconds. */
  sent(ms: number): void;
  /** The last zxid known to be durable. */
  readonly durableZxid: number;
  fail(error: Error): void;
}

/** An event without its time. */
type Untimed = Event extends infer Each ? (Each extends Event ? Omit<Each, 'nowMs' | 'wallMs'> : never) : never;

/** Carries out what a server of an ensemble asks for, and tells it what its peers send. */
export class PeerRunner {
  readonly #options: PeerRunnerOptions;
  readonly #port: PeerRunnerPort;
  #epochs: Epochs;
  /** Links whose last packets are kept. */
  readonly #remembered: Map<number, PeerLink> = new Map();
  /** The last membership that says where this server listens. */
  #home: Membership;
  #generation = 0;
  /** The link by which the leader is being reached; 0 for none. */
  #connecting = 0;
  #feeding: readonly number[] = [];
  #feedScheduled = false;
  readonly #cursors: Map<number, LogCursor> = new Map();
  /** Learners that wait for the next txns from the disk, once their link has room. */
  readonly #reading: Map<number, number> = new Map();
  /** Links that are not read while the core waits for the disk. */
  readonly #paused: Set<number> = new Set();
  readonly #orders: { readonly order: StorageOrder; readonly generation: number }[] = [];
  #ordering = false;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #cancelWake: () => void = () => {};
  #stopped = false;
  /** Links with packets that leave at the end of this turn. */
  readonly #leaving: Set<PeerLink> = new Set();
  #sendScheduled = false;
  /** What the oracle said last; null before it has said anything. */
  #granted: boolean | null = null;
  #cancelOracle: () => void = () => {};

  constructor(options: PeerRunnerOptions, port: PeerRunnerPort) {
    this.#options = options;
    this.#port = port;
    this.#epochs = options.stored;
    this.#home = options.membership.committed;
  }

  /** Opens the ports. */
  start(): void {
    this.#configure(this.#options.membership);
    this.#askOracle();
  }

  #askOracle(): void {
    const { oracle, oracleEveryMs, timers } = this.#options;
    if (oracle === null || this.#stopped) return;
    const grants = oracle();
    if (grants !== this.#granted) this.#step({ kind: 'oracle', grants });
    this.#granted = grants;
    this.#cancelOracle = timers.set(oracleEveryMs, () => this.#askOracle());
  }

  /** First of a Ready: nothing that rests on the epochs may leave before they are stored (laws 26 to 28). */
  store(work: EnsembleWork): void {
    if (work.hardState === null) return;
    this.#options.epochs.write(work.hardState);
    this.#epochs = work.hardState;
  }

  /** The rest, in its stated order. */
  run(work: EnsembleWork, generation: number): void {
    const { elections, quorum } = this.#options;
    for (const message of work.messages) this.#options.note(message);
    for (const message of work.peerMessages) this.#options.noteOfPeer(message);
    if (work.roleChanged) this.#changeRole(generation);
    if (work.membership !== null) this.#changeMembership(work.membership);
    if (work.storage !== null) this.#order(work.storage, generation);
    for (const { to, payload } of work.notify) elections.send(to, payload);
    if (work.connectElection) elections.connectMissing();
    for (const link of work.peerOutput) this.#leaving.add(link);
    this.#scheduleSend();
    if (work.peerClose.length > 0) this.#sendAll();
    for (const link of work.peerClose) this.#close(link);
    if (work.connect !== null) this.#connecting = quorum.connect(work.connect.endpoints, work.connect);
    for (const { link, afterZxid } of work.logWanted) this.#wantLog(link, afterZxid);
    this.#feeding = work.feeding;
    this.#scheduleFeed();
    if (this.#paused.size > 0) this.resumeReleased();
    if (work.synced) this.#options.synced();
    this.#setWake(work.wakeAtMs);
  }

  /** Calls back after so many milliseconds; returns how to prevent it. */
  after(ms: number, run: () => void): () => void {
    return this.#options.timers.set(ms, run);
  }

  stop(): void {
    this.#sendAll();
    this.#stopped = true;
    this.#cancelWake();
    this.#cancelOracle();
    for (const cursor of this.#cursors.values()) cursor.close();
    this.#options.elections.stop();
    this.#options.quorum.stop();
  }

  /** What the steps of one turn of the loop have written goes out together, right behind it. */
  #scheduleSend(): void {
    if (this.#sendScheduled || this.#leaving.size === 0) return;
    this.#sendScheduled = true;
    this.#options.defer(this.#sendScheduledOnes);
  }

  readonly #sendScheduledOnes = (): void => {
    this.#sendScheduled = false;
    this.sendNow();
  };

  /** Sends what is to leave at the end of this turn. */
  sendNow(): void {
    try {
      this.#sendAll();
    } catch (error) {
      this.#port.fail(error as Error);
    }
  }

  #sendAll(): void {
    if (this.#stopped || this.#leaving.size === 0) return;
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const link of this.#leaving) this.#send(link, nowMs);
    this.#leaving.clear();
    this.#port.sent(clock.monotonicMs() - nowMs);
  }

  #send(link: PeerLink, nowMs: number): void {
    if (link.queuedMs > 0) link.sendDelay?.add(nowMs - link.queuedMs);
    link.queuedMs = 0;
    if (
      link.needsZxid > this.#port.durableZxid ||
      link.needsAcceptedEpoch > this.#epochs.accepted ||
      link.needsCurrentEpoch > this.#epochs.current
    ) {
      throw new InvariantViolation(
        `a packet that needs 0x${link.needsZxid.toString(16)}, epochs ${link.needsAcceptedEpoch} and ` +
          `${link.needsCurrentEpoch} leaves at 0x${this.#port.durableZxid.toString(16)}, ` +
          `${this.#epochs.accepted} and ${this.#epochs.current} (law 30)`,
      );
    }
    if (link.out.length === 0) return;
    const { quorum } = this.#options;
    link.trail?.sent(link.out.bytes, link.out.length, nowMs);
    quorum.send(link.id, link.out.bytes, 0, link.out.length);
    link.out.length = 0;
    if (quorum.unsent(link.id) > limits.learnerQueueBytes) {
      this.#options.noteOfPeer(`${link.address} does not take what it is sent`);
      quorum.close(link.id);
      this.#options.defer(() => this.closed(link.id));
    }
  }

  // What the links report.

  notification(from: number, bytes: Uint8Array): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    this.#port.step({ kind: 'notification', from, bytes, nowMs: clock.monotonicMs(), wallMs: clock.wallMs() });
  }

  electionLink(sid: number, up: boolean): void {
    this.#step({ kind: 'electionLink', sid, up });
  }

  /** The history that was set aside is whole again, up to this zxid. */
  repaired(zxid: number): void {
    this.#step({ kind: 'historyRepaired', zxid });
  }

  opened(link: number, as: 'leader' | 'learner', remote: Endpoint): void {
    if (link === this.#connecting) this.#connecting = 0;
    this.#step({ kind: 'peerOpen', link, as, remote });
    this.#remember(link);
  }

  data(link: number, bytes: Uint8Array): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    this.#port.step({ kind: 'peerData', link, bytes, nowMs: clock.monotonicMs(), wallMs: clock.wallMs() });
    // What the core cannot take now stays with the peer, not in our memory.
    if (!this.#port.isHeld(link) || this.#paused.has(link)) return;
    this.#paused.add(link);
    this.#options.quorum.pause(link);
  }

  /** Reads links again that the core, or the disk, has let go. */
  resumeReleased(): void {
    for (const link of this.#paused) {
      if (this.#port.isHeld(link)) continue;
      this.#paused.delete(link);
      this.#options.quorum.resume(link);
    }
  }

  closed(link: number): void {
    this.#forget(link);
    if (link === this.#connecting) {
      this.#connecting = 0;
      this.#step({ kind: 'peerUnreachable', generation: this.#generation });
    } else this.#step({ kind: 'peerClosed', link });
  }

  drained(link: number): void {
    if (this.#feeding.includes(link)) this.#scheduleFeed();
    if (this.#reading.has(link)) this.#readLog(link);
  }

  #step(event: Untimed): void {
    if (this.#stopped) return;
    const { clock } = this.#options;
    this.#port.step({ ...event, nowMs: clock.monotonicMs(), wallMs: clock.wallMs() } as Event);
  }

  #changeRole(generation: number): void {
    this.#generation = generation;
    if (this.#connecting !== 0) this.#options.quorum.close(this.#connecting);
    this.#connecting = 0;
  }

  #close(link: number): void {
    this.#forget(link);
    this.#options.quorum.close(link);
  }

  /** From now on the link's last packets are kept. */
  #remember(id: number): void {
    const { keptPackets = 0, packetLimit = 0 } = this.#options;
    const link = keptPackets > 0 ? this.#port.link(id) : null;
    if (link === null) return;
    link.trail = new PacketTrail(keptPackets, packetLimit);
    this.#remembered.set(id, link);
  }

  #tellLast(id: number): void {
    const link = this.#remembered.get(id);
    if (link === undefined) return;
    this.#remembered.delete(id);
    const last = link.trail?.text(this.#options.clock.monotonicMs());
    this.#options.noteOfPeer(`the connection with ${link.address} has ended; the last packets, newest first: ${last}`);
  }

  #forget(link: number): void {
    this.#tellLast(link);
    this.#cursors.get(link)?.close();
    this.#cursors.delete(link);
    this.#reading.delete(link);
    this.#paused.delete(link);
  }

  /** Own addresses and everybody else's, of both memberships; the committed one's addresses count. */
  #changeMembership(change: MembershipChange): void {
    this.#configure(change);
    this.#options.membershipChanged(change);
  }

  #configure({ committed, lastSeen }: MembershipChange): void {
    const { sid, elections, quorum } = this.#options;
    const peers = new Map<number, readonly Endpoint[]>();
    for (const membership of [lastSeen, committed]) {
      for (const other of membership.members.keys()) {
        if (other !== sid) peers.set(other, membership.electionAddress(other));
      }
    }
    // A server that joins, or was removed, is in neither: it stays where it is.
    this.#home = [committed, lastSeen].find((membership) => membership.members.has(sid)) ?? this.#home;
    elections.configure(this.#home.electionAddress(sid), peers);
    const addresses = this.#home.quorumAddress(sid);
    const { observerMasterPort } = this.#options;
    // A leader is found there, too: what arrives is served by whatever role this server has.
    const masters =
      observerMasterPort === null ? [] : addresses.map(({ host }) => ({ host, port: observerMasterPort }));
    quorum.listen([...addresses, ...masters]);
  }

  // Time.

  #setWake(atMs: number): void {
    if (atMs >= this.#wakeAtMs && this.#wakeAtMs !== Number.POSITIVE_INFINITY) {
      this.#wantedWakeMs = atMs;
      return;
    }
    this.#wantedWakeMs = atMs;
    if (atMs === this.#wakeAtMs) return;
    this.#cancelWake();
    this.#wakeAtMs = atMs;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const { timers, clock } = this.#options;
    this.#cancelWake = timers.set(Math.max(0, atMs - clock.monotonicMs()), () => {
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#cancelWake = () => {};
      // The time that is wanted may have moved on meanwhile: timers are not set anew for that.
      if (this.#wantedWakeMs > clock.monotonicMs()) this.#setWake(this.#wantedWakeMs);
      else this.#step({ kind: 'wake' });
    });
  }

  #wantedWakeMs = Number.POSITIVE_INFINITY;

  // A state for learners, slice by slice, as their links take it.

  #scheduleFeed(): void {
    if (this.#feedScheduled || this.#feeding.length === 0) return;
    this.#feedScheduled = true;
    this.#options.defer(() => {
      this.#feedScheduled = false;
      const { quorum } = this.#options;
      if (this.#feeding.length === 0) return;
      if (this.#feeding.some((link) => quorum.unsent(link) > FEED_HIGH_WATER)) return;
      this.#step({ kind: 'feedSlice', generation: this.#generation, znodes: ZNODES_PER_SLICE });
    });
  }

  // Txns for learners out of the log on the disk.

  #wantLog(link: number, afterZxid: number): void {
    this.#reading.set(link, afterZxid);
    this.#options.defer(() => this.#readLog(link));
  }

  #readLog(link: number): void {
    const afterZxid = this.#reading.get(link);
    const { quorum, history, snapshotSizeFactor } = this.#options;
    if (afterZxid === undefined || quorum.unsent(link) > FEED_HIGH_WATER) return;
    this.#reading.delete(link);
    let chunk = null;
    try {
      let cursor = this.#cursors.get(link) ?? null;
      if (cursor === null) {
        cursor = history.readLog(afterZxid);
        const most = snapshotSizeFactor * history.newestSnapshotBytes();
        if (cursor !== null && most > 0 && cursor.bytesAhead() > most) {
          cursor.close();
          cursor = null;
        }
        if (cursor !== null) this.#cursors.set(link, cursor);
      }
      chunk = cursor?.next(LOG_CHUNK_BYTES, this.#port.durableZxid) ?? null;
    } catch (error) {
      if (!(error instanceof HistoryUnreachable)) throw error;
      this.#options.noteOfPeer(`the log for a learner cannot be read: ${error.message}`);
    }
    this.#step({ kind: 'logChunk', generation: this.#generation, link, chunk });
  }

  // Changes of the history.

  #order(order: StorageOrder, generation: number): void {
    this.#orders.push({ order, generation });
    if (!this.#ordering) this.#nextOrder();
  }

  #nextOrder(): void {
    const next = this.#orders.shift();
    this.#ordering = next !== undefined;
    if (next === undefined) return;
    this.#port.quiesce(() => {
      // The next start finds the files as they are, perhaps at once.
      if (this.#stopped) return;
      try {
        this.#carryOut(next.order, next.generation);
      } catch (error) {
        this.#port.fail(error as Error);
        return;
      }
      this.#nextOrder();
    });
  }

  #carryOut(order: StorageOrder, generation: number): void {
    const { history } = this.#options;
    let database: Database | null = null;
    let unreachable = false;
    let epochs: Epochs | undefined;
    let journalAt: number | null = null;
    try {
      switch (order.kind) {
        case 'truncate':
          history.truncate(order.zxid);
          journalAt = order.zxid;
          break;
        case 'reload':
          history.abandonInstall();
          break;
        case 'beginInstall':
          history.beginInstall(order.zxid);
          break;
        case 'replace':
          database = this.#port.installReplacement();
          journalAt = order.zxid;
          break;
        case 'finishRepair':
          epochs = history.finishRepair(order.zxid);
          this.#epochs = epochs;
          break;
        case 'finishInstall':
          history.finishInstall(order.zxid);
          journalAt = order.zxid;
          break;
      }
    } catch (error) {
      // Of a state that is half in its place only the next start can tell which one counts.
      if (!(error instanceof HistoryUnreachable) || order.kind === 'replace') throw error;
      this.#options.note(error.message);
      unreachable = true;
    }
    if (order.reload && !unreachable) {
      database = this.#options.recover();
      journalAt = database.lastZxid;
    }
    if (journalAt !== null) this.#port.openJournal(journalAt);
    const repaired = epochs === undefined ? {} : { epochs };
    this.#step({ kind: 'storageDone', generation, database, unreachable, ...repaired });
  }
}
