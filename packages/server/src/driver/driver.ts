import type { Identity } from '@headkeeper/protocol';
import type { FailedLogin } from '../core/auth/authentication.ts';
import type { Database } from '../core/database.ts';
import type { Event } from '../core/events.ts';
import { InvariantViolation } from '../core/invariants.ts';
import type { Append, Ready } from '../core/ready.ts';
import type { Replica } from '../core/replica.ts';
import { limits } from '../limits.ts';
import type { ClientLink, Clock, Journal, JournalListener, SnapshotStore } from '../ports.ts';
import { DriverStatistics } from './driver-statistics.ts';
import { PeerRunner, type PeerRunnerOptions } from './peer-runner.ts';
import { SnapshotRunner } from './snapshot-runner.ts';

export interface DriverOptions {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly snapshots: SnapshotStore;
  /** Makes a journal that goes on behind `lastZxid`, which reports to the driver. */
  readonly journal: (listener: JournalListener, lastZxid: number) => Journal;
  /** What the journal and the state on the disk end with. */
  readonly lastZxid: number;
  /** What a server of an ensemble has beside; null for a standalone one. */
  readonly ensemble: PeerRunnerOptions | null;
  /** Calls back when nothing but the journal and the snapshots is at work on the files. */
  readonly filesAtRest: (done: () => void) => void;
  /** Calls back after this turn of the loop (`setImmediate`). */
  readonly defer: (fn: () => void) => void;
  readonly listener: DriverListener;
}

export interface DriverListener {
  /** The server can no longer do its duty; nothing has been acknowledged after it. Called once. */
  fatal(error: Error): void;
  snapshotWritten(zxid: number): void;
  /** A client has failed to prove who it is. */
  loginFailed(login: FailedLogin): void;
}

const NO_IDENTITIES: readonly Identity[] = Object.freeze([]);
/** A leader that stops waits so long for another to lead. */
const HAND_OVER_MS = 1000;
/** No connection, or more than one. */
const NOBODY = -1;
const SEVERAL = -2;
/** Flushes in a row that must be for the same connection before it counts as the only one. */
const LONE_FLUSHES = 4;
/** Events that have waited for long work and are handled in one turn. */
const WAITING_PER_TURN = 64;
/** Znodes whose digests are computed in one slice of time: about a millisecond. */
const ZNODES_PER_SLICE = 2048;

/**
 * The loop around the core: hands it events, stamped with the time, and carries out each Ready in its stated order. All
 * calls are made from one thread; completions that arrive while the core is stepping wait for their turn.
 */
export class Driver implements JournalListener {
  readonly statistics: DriverStatistics = new DriverStatistics();
  readonly #replica: Replica;
  readonly #clock: Clock;
  /** Null while the history on the disk is being changed. */
  #journal: Journal | null;
  readonly #options: DriverOptions;
  /** Null on a standalone server. */
  readonly peers: PeerRunner | null;
  #durableZxid: number;
  readonly #snapshots: SnapshotRunner;
  readonly #defer: (fn: () => void) => void;
  readonly #listener: DriverListener;
  readonly #links: (ClientLink | null)[] = [];
  readonly #freeIds: number[] = [];
  /** Connections whose reading is stopped because the core asked for it. */
  readonly #paused: Set<number> = new Set();
  #linkCount = 0;
  #stepping = false;
  readonly #waiting: Event[] = [];
  /** Whether events wait for long work, or for others that do. */
  #isBehind = false;
  /** Connections whose data waits for that, and connections that have gone meanwhile. */
  readonly #heldBack: Set<number> = new Set();
  readonly #closedMeanwhile: number[] = [];
  #flushScheduled = false;
  #findsDigest = false;
  #turnScheduled = false;
  #sendsMore = false;
  /** Generation of the role whose txns the journal holds. */
  #askedIn = 0;
  /** The connection that was heard since the last flush, `NOBODY`, or `SEVERAL`. */
  #heard = NOBODY;
  /** The connection that was heard alone before the last flush, and for how many flushes before that. */
  #lonely = NOBODY;
  #loneFlushes = 0;
  /** Txns appended since the last flush. */
  #appended = 0;
  #failed = false;
  #stopping: (() => void) | null = null;
  /** Puts a state that is held ready in its place; null when there is none. */
  #replacement: (() => Database) | null = null;
  /** Called once this server leads no more, or has nobody to hand over to; null unless it is to stop. */
  #whenHandedOver: (() => void) | null = null;
  /** Whether it has been told to stop. */
  #isEnding = false;

  constructor(options: DriverOptions) {
    this.#replica = options.replica;
    this.#clock = options.clock;
    this.#defer = options.defer;
    this.#listener = options.listener;
    this.#options = options;
    this.#journal = options.journal(this, options.lastZxid);
    this.#durableZxid = options.lastZxid;
    this.peers = options.ensemble === null ? null : new PeerRunner(options.ensemble, this.#peerPort());
    this.#snapshots = new SnapshotRunner(options.snapshots, options.defer, {
      slice: (generation, znodes) => this.#step({ kind: 'snapshotSlice', generation, znodes, ...this.#time() }),
      isRunning: () => this.#replica.snapshotRunning,
      isServing: () => this.#replica.clients.areServed,
      drained: () => this.peers?.resumeReleased(),
      giveBack: (chunk) => this.#replica.pipeline.snapshots.giveBack(chunk),
      written: (zxid, error) => {
        if (error !== null) return this.#fail(error);
        options.listener.snapshotWritten(zxid);
        this.#step({ kind: 'snapshotWritten', zxid, ...this.#time() });
      },
    });
  }

  /** Begins to serve the recovered state, or to look for a leader; `replayed` txns are newer than the newest snapshot. */
  start(replayed: number): void {
    const { nowMs, wallMs } = this.#time();
    this.#replica.start(replayed, nowMs, wallMs);
    this.peers?.start();
    this.#run(this.#replica.takeReady());
  }

  /** Whether the files belong to a change of the history: nothing else may touch them. */
  get isChangingHistory(): boolean {
    return this.#journal === null;
  }

  /** Open connections. */
  get linkCount(): number {
    return this.#linkCount;
  }

  /** The link of a connection, or null. */
  link(connection: number): ClientLink | null {
    return this.#links[connection] ?? null;
  }

  /** A client has connected; returns the number by which it is known from now on. */
  open(link: ClientLink, address: string, isOwn = false): number {
    const connection = this.#freeIds.pop() ?? this.#links.length;
    this.#links[connection] = link;
    this.#linkCount++;
    const identities = link.identities ?? NO_IDENTITIES;
    this.#step({ kind: 'clientOpen', connection, address, isOwn, identities, ...this.#time() });
    return connection;
  }

  /** Bytes from a client; they need stay valid only during the call. */
  data(connection: number, bytes: Uint8Array): void {
    if (this.#stopping !== null) return;
    if (this.#heard !== connection) this.#heard = this.#heard === NOBODY ? connection : SEVERAL;
    this.#step({
      kind: 'clientData',
      connection,
      bytes,
      nowMs: this.#clock.monotonicMs(),
      wallMs: this.#clock.wallMs(),
    });
    if (this.#replica.serving.admission.wantsTurn) this.#turnLater();
    const link = this.#links[connection];
    if (link === null || link === undefined || this.#heldBack.has(connection)) return;
    this.#setPause(connection, link, this.#replica.wantsPause(connection));
  }

  /** So many requests came in this turn that some may have to wait for the next one. */
  #turnLater(): void {
    if (this.#turnScheduled) return;
    this.#turnScheduled = true;
    this.#defer(() => {
      this.#turnScheduled = false;
      if (this.#stopping !== null) return;
      this.#step({ kind: 'turn', ...this.#time() });
      if (this.#replica.serving.admission.wantsTurn) this.#turnLater();
      else this.#resumeAll();
    });
  }

  /** The network has taken everything that a client was sent. */
  drained(connection: number): void {
    const link = this.#links[connection] ?? null;
    if (link === null || this.#stopping !== null || !this.#replica.isOutputFull(connection)) return;
    this.#step({ kind: 'clientDrained', connection, ...this.#time() });
    this.#setPause(connection, link, this.#replica.wantsPause(connection));
  }

  /** A client is gone. */
  closed(connection: number): void {
    this.#step({ kind: 'clientClose', connection, ...this.#time() });
    this.#links[connection] = null;
    this.#paused.delete(connection);
    // While the core has not heard of it, its number must mean nobody else.
    if (this.#isBehind) this.#closedMeanwhile.push(connection);
    else this.#freeIds.push(connection);
    this.#linkCount--;
  }

  tick(): void {
    if (this.#stopping !== null) return;
    this.#step({ kind: 'tick', ...this.#time() });
  }

  durable(lastZxid: number): void {
    if (this.#failed) return;
    this.#durableZxid = lastZxid;
    const { nowMs, wallMs } = this.#time();
    this.#step({ kind: 'durable', generation: this.#askedIn, zxid: lastZxid, nowMs, wallMs });
    this.statistics.committingSteps.add(this.#clock.monotonicMs() - nowMs);
    if (this.#stopping !== null && this.#replica.outstanding === 0) this.#finishStopping();
  }

  failed(error: Error): void {
    this.#fail(error);
  }

  /** Begins a snapshot of the state as it is. */
  snapshot(): void {
    this.#replica.beginSnapshot();
    this.#run(this.#replica.takeReady());
  }

  /**
   * Stops gracefully: a leader hands over, which takes a second at most; what is logged is acknowledged, nothing more is
   * read, then the links close. Calls `done` when the journal is closed. A second call does
   * nothing.
   */
  stop(done: (error: Error | null) => void): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (this.peers === null || this.#failed || this.#replica.member?.role.name !== 'leading') {
      this.#stop(done);
      return;
    }
    // The others need not find out that their leader is gone.
    this.transfer(null);
    this.#whenHandedOver = () => {
      cancel();
      this.#whenHandedOver = null;
      this.#defer(() => this.#stop(done));
    };
    const cancel = this.peers.after(HAND_OVER_MS, () => this.#whenHandedOver?.());
    this.#checkHandingOver();
  }

  /** If this server leads, another is to lead: server `to`, or whoever is best. */
  transfer(to: number | null): void {
    this.#step({ kind: 'transfer', to, ...this.#time() });
  }

  /** If this server leads or stands alone, it ends a session as if its time were over. */
  expireSession(idHigh: number, idLow: number): void {
    this.#step({ kind: 'expireSession', idHigh, idLow, ...this.#time() });
  }

  /** If this server leads, it is to lead again, in epoch `least` or a later one. */
  raiseEpoch(least: number): void {
    this.#step({ kind: 'raiseEpoch', least, ...this.#time() });
  }

  /**
   * Another state, of this zxid, takes the place of this server's; its clients are sent away. `install` puts it on the disk in
   * the place of the history and hands it over: it is called when nothing else is at work on the files, and a throw ends the
   * server. False, and nothing happens, when this server must not do that now, or has txns that are not before the zxid.
   */
  replaceState(zxid: number, install: () => Database): boolean {
    const replica = this.#replica;
    if (this.#failed || this.#isEnding || this.#journal === null || !replica.mayReplaceState) return false;
    if (replica.pipeline.appendedZxid >= zxid) return false;
    this.#replacement = install;
    this.#step({ kind: 'replaceState', zxid, ...this.#time() });
    if (this.peers === null) this.#quiesce(() => this.#replaceAlone(zxid));
    else if (this.#replacement !== null && this.#journal !== null) {
      // It leads no more, and has noticed only now.
      this.#replacement = null;
      return false;
    }
    return true;
  }

  #replaceAlone(zxid: number): void {
    if (this.#failed || this.#stopping !== null) return;
    try {
      const database = this.#installReplacement();
      this.#openJournal(zxid);
      this.#step({ kind: 'storageDone', generation: 1, database, unreachable: false, ...this.#time() });
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #installReplacement(): Database {
    const install = this.#replacement;
    if (install === null) throw new InvariantViolation('no state is held ready');
    this.#replacement = null;
    return install();
  }

  #openJournal(lastZxid: number): void {
    this.#journal = this.#options.journal(this, lastZxid);
    this.#durableZxid = lastZxid;
  }

  #checkHandingOver(): void {
    if (this.#whenHandedOver !== null && this.#replica.member?.isHandingOver !== true) this.#whenHandedOver();
  }

  #stop(done: (error: Error | null) => void): void {
    this.#stopping = () => {
      for (let more = !this.#failed; more; ) {
        const ready = this.#replica.takeReady();
        this.#run(ready);
        more = ready.more;
      }
      for (const link of this.#links) link?.close();
      this.#snapshots.abort();
      this.peers?.stop();
      if (this.#journal === null) done(null);
      else this.#journal.close(done, true);
    };
    // What a learner has under way is the leader's to decide.
    if (this.#replica.outstanding === 0 || this.#failed || this.peers !== null) this.#finishStopping();
    else this.#journal?.flush(false);
  }

  #finishStopping(): void {
    const finish = this.#stopping;
    this.#stopping = () => {};
    finish?.();
  }

  #time(): { nowMs: number; wallMs: number } {
    return { nowMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }

  #step(event: Event): void {
    if (this.#failed) return;
    if (this.#stepping || (this.#isBehind && event.kind !== 'work')) {
      this.#keep(event);
      return;
    }
    this.#stepping = true;
    try {
      this.#replica.step(event);
      this.#run(this.#replica.takeReady());
      while (this.#waiting.length > 0 && !this.#isBehind && !this.#replica.isBusy) {
        this.#replica.step(this.#waiting.shift() as Event);
        this.#run(this.#replica.takeReady());
      }
      if (this.#replica.isBusy && !this.#isBehind) this.#workLater();
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#stepping = false;
    }
  }

  /** An event waits for its turn. Of pings that find long work under way nobody has to notice that. */
  #keep(event: Event): void {
    if (event.kind === 'clientData') {
      if (!this.#stepping && !this.#heldBack.has(event.connection)) {
        this.#replica.setTime(event.nowMs, event.wallMs);
        if (this.#replica.clients.answerPings(event.connection, event.bytes)) {
          this.#run(this.#replica.takeReady());
          return;
        }
      }
      if (this.#isBehind) {
        this.#heldBack.add(event.connection);
        const link = this.#links[event.connection] ?? null;
        if (link !== null) this.#setPause(event.connection, link, true);
      }
    }
    const keeps = event.kind === 'clientData' || event.kind === 'peerData';
    this.#waiting.push(keeps ? { ...event, bytes: new Uint8Array(event.bytes) } : event);
  }

  /** Does the long work slice by slice, then what has waited for it, a part of it in each turn. */
  #workLater(): void {
    this.#isBehind = true;
    this.#defer(() => {
      if (this.#failed) return;
      if (this.#replica.isBusy) {
        this.#step({ kind: 'work', ...this.#time() });
        this.#workLater();
        return;
      }
      this.#catchUp();
      if (this.#replica.isBusy || this.#waiting.length > 0) {
        this.#workLater();
        return;
      }
      this.#isBehind = false;
      this.#heldBack.clear();
      this.#freeIds.push(...this.#closedMeanwhile.splice(0));
      this.#resumeAll();
      if (this.#stopping !== null && this.#replica.outstanding === 0) this.#finishStopping();
    });
  }

  #catchUp(): void {
    this.#stepping = true;
    try {
      for (let i = 0; i < WAITING_PER_TURN && this.#waiting.length > 0 && !this.#replica.isBusy; i++) {
        this.#replica.step(this.#waiting.shift() as Event);
        this.#run(this.#replica.takeReady());
      }
    } catch (error) {
      this.#fail(error as Error);
    } finally {
      this.#stepping = false;
    }
  }

  #peerPort(): ConstructorParameters<typeof PeerRunner>[1] {
    const durable = (): number => this.#durableZxid;
    return {
      step: (event) => this.#step(event),
      isHeld: (link) => this.#isHeld(link),
      link: (id) => this.#replica.member?.stage.links.get(id) ?? null,
      quiesce: (done) => this.#quiesce(done),
      installReplacement: () => this.#installReplacement(),
      openJournal: (lastZxid) => this.#openJournal(lastZxid),
      sent: (ms) => this.statistics.sending.add(ms),
      get durableZxid() {
        return durable();
      },
      fail: (error) => this.#fail(error),
    };
  }

  /** A state that comes in waits for the disk, too. */
  #isHeld(id: number): boolean {
    const link = this.#replica.member?.stage.links.get(id);
    if (link === undefined) return false;
    return link.held || (link.kind === 'leader' && this.#replica.isReceivingState && this.#snapshots.isBehind);
  }

  /** Nothing is written to the history any more: the journal is closed, no snapshot is under way, no old file removed. */
  #quiesce(done: () => void): void {
    const journal = this.#journal;
    this.#journal = null;
    const rest = (): void => this.#snapshots.whenIdle(() => this.#options.filesAtRest(done));
    if (journal === null) rest();
    else {
      journal.close((error) => {
        if (error === null) rest();
        else this.#fail(error);
      });
    }
  }

  /** Carries out a Ready in its stated order. */
  #run(ready: Ready): void {
    if (ready.ensemble !== null) this.peers?.store(ready.ensemble);
    if (ready.roll) this.#journal?.roll();
    if (ready.append.length > 0) {
      this.#askedIn = ready.generation;
      this.#append(ready.append);
      this.statistics.writingSteps.add(this.#clock.monotonicMs() - this.#replica.serving.nowMs);
    }
    for (const connection of ready.output) {
      const link = this.#links[connection.id];
      if (link !== null && link !== undefined) {
        connection.traffic.bytesSent += connection.out.length;
        link.send(connection.out);
        if (connection.outputFull && link.unsentBytes <= limits.outputHighWater) {
          this.#defer(() => this.#links[connection.id] === link && this.drained(connection.id));
        }
        this.#setPause(connection.id, link, this.#replica.wantsPause(connection.id));
      } else connection.out.length = 0;
    }
    for (const connection of ready.close) this.#links[connection.id]?.close();
    if (ready.more) this.#sendMore();
    if (ready.resume) this.#resumeAll();
    if (ready.failedLogins.length > 0) for (const login of ready.failedLogins) this.#listener.loginFailed(login);
    this.#snapshots.run(ready.snapshot, ready.generation);
    if (ready.ensemble !== null) this.peers?.run(ready.ensemble, ready.generation);
    this.#checkHandingOver();
    if (this.#replica.findsDigest) this.#findDigest();
  }

  /** What is left to be sent goes out in the next turns: pings are answered between them. */
  #sendMore(): void {
    if (this.#sendsMore) return;
    this.#sendsMore = true;
    this.#defer(() => {
      this.#sendsMore = false;
      if (this.#failed) return;
      try {
        this.#run(this.#replica.takeReady());
      } catch (error) {
        this.#fail(error as Error);
      }
    });
  }

  /** The digest of a large state that has come without one is found slice by slice, before a leader or a snapshot needs it. */
  #findDigest(): void {
    if (this.#findsDigest) return;
    this.#findsDigest = true;
    this.#defer(() => {
      this.#findsDigest = false;
      if (this.#stopping !== null || !this.#replica.findsDigest) return;
      this.#replica.findDigest(ZNODES_PER_SLICE);
      this.#findDigest();
    });
  }

  #resumeAll(): void {
    for (const id of [...this.#paused]) {
      const link = this.#links[id];
      if (link !== null && link !== undefined) this.#setPause(id, link, this.#replica.wantsPause(id));
    }
  }

  #append(appends: readonly Append[]): void {
    const journal = this.#journal;
    if (journal === null) throw new InvariantViolation('nothing is appended while the history is being changed');
    for (const { bytes, start, end, firstZxid, lastZxid } of appends) {
      journal.append(bytes, start, end, firstZxid, lastZxid);
      this.#appended += lastZxid - firstZxid + 1;
    }
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    this.#defer(() => {
      this.#flushScheduled = false;
      const lone = this.#isLone();
      this.#heard = NOBODY;
      if (this.#failed) return;
      // The others write while this disk does; and what a synchronous sync has released need not wait for another turn.
      this.peers?.sendNow();
      this.#journal?.flush(lone);
      this.peers?.sendNow();
    });
  }

  /**
   * Whether one connection alone has been heard for a while, so that nobody else is held up by a synchronous sync. In an
   * ensemble writes come by way of other servers, too: there a single txn at a time tells it.
   */
  #isLone(): boolean {
    if (this.peers !== null) {
      this.#loneFlushes = this.#appended === 1 ? this.#loneFlushes + 1 : 0;
      this.#appended = 0;
      return this.#loneFlushes >= LONE_FLUSHES;
    }
    if (this.#heard !== SEVERAL && this.#heard === this.#lonely) this.#loneFlushes++;
    else this.#loneFlushes = 0;
    this.#lonely = this.#heard;
    return this.#loneFlushes >= LONE_FLUSHES;
  }

  #setPause(id: number, link: ClientLink, wanted: boolean): void {
    if (wanted === this.#paused.has(id)) return;
    if (wanted) {
      this.#paused.add(id);
      link.pause();
    } else {
      this.#paused.delete(id);
      link.resume();
    }
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#listener.fatal(error);
    this.#whenHandedOver?.();
    if (this.#stopping !== null) this.#finishStopping();
  }
}
