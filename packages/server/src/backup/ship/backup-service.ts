import type { Clock, Timers } from '../../ports.ts';
import type { BackupStatus } from '../status.ts';
import { BackupAnnouncer, type BackupLog } from './announcer.ts';
import { Lag } from './lag.ts';
import type { Duty, FromWorker, FullDone, ShipReport } from './messages.ts';
import { emptyReport } from './ship-record.ts';
import { paceFor, type ShipSettings } from './ship-settings.ts';
import type { WorkerEvents, WorkerLink } from './worker-host.ts';

export interface BackupServiceOptions {
  readonly settings: ShipSettings;
  /** Everything up to here is committed, applied, and on this server's disk; null while that is not known. */
  readonly committedZxid: () => number | null;
  /** Writes a snapshot of the present state; resolves with its zxid once the file is complete. */
  readonly snapshot: () => Promise<number>;
  readonly startWorker: (settings: ShipSettings, events: WorkerEvents) => WorkerLink;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: BackupLog;
}

interface Order {
  readonly resolve: (done: FullDone) => void;
  readonly reject: (error: Error) => void;
}

const FIRST_RESTART_MS = 1000;
const LONGEST_RESTART_MS = 60_000;
/** A thread that has run so long was well. */
const WELL_MS = 60_000;
/** How long a stopping server waits for what is committed to be shipped. */
const FINISH_MS = 2000;
const LONGEST_POLL_MS = 250;
/** Looks at what is committed while txns are gathered: the time between two is added to their age. */
const POLLS = 8;

/** The server's side of its backups: tells the thread what is committed and whose turn it is, and keeps the status. */
export class BackupService {
  readonly #options: BackupServiceOptions;
  readonly #announcer: BackupAnnouncer;
  readonly #lag: Lag = new Lag();
  readonly #pollMs: number;
  readonly #orders: Map<number, Order> = new Map();
  #worker: WorkerLink | null = null;
  #startedMs = 0;
  #restarts = 0;
  #cancelTimer: () => void = () => {};
  #cancelRestart: () => void = () => {};
  #duty: Duty = 'waiting';
  #shipper: string | null = null;
  #report: ShipReport;
  /** What threads before the present one have counted. */
  #before: Pick<ShipReport, 'failures' | 'fulls' | 'segments' | 'bytesShipped'> = {
    failures: 0,
    fulls: 0,
    segments: 0,
    bytesShipped: 0,
  };
  #requests = 0;
  #finished: (() => void) | null = null;
  #stopping: Promise<void> | null = null;

  constructor(options: BackupServiceOptions) {
    this.#options = options;
    const { policy } = options.settings;
    this.#announcer = new BackupAnnouncer(options.log, policy.backupExposureMs);
    this.#pollMs = Math.min(LONGEST_POLL_MS, paceFor(policy.backupExposureMs).gatherMs / POLLS);
    this.#report = emptyReport(policy.backupTarget);
    this.#start();
    this.#poll();
  }

  /** What a fresh look at the backups shows. */
  status(): BackupStatus {
    const { clock } = this.#options;
    const { failures, fulls, segments, bytesShipped } = this.#before;
    const report = this.#report;
    const isShipping = this.#duty === 'shipping';
    return {
      ...report,
      duty: this.#duty,
      shipper: this.#shipper,
      // Whoever stands by does not know how far the other one is.
      lagTxns: isShipping ? this.#lag.txns : 0,
      lagMs: isShipping ? Math.round(this.#lag.ms(clock.monotonicMs())) : 0,
      failures: failures + report.failures,
      fulls: fulls + report.fulls,
      segments: segments + report.segments,
      bytesShipped: bytesShipped + report.bytesShipped,
    };
  }

  /** Says whose turn it is; `shipper` is a name for people. */
  setDuty(duty: Duty, shipper: string | null): void {
    const isNew = duty !== this.#duty || shipper !== this.#shipper;
    const isOwn = (duty === 'shipping') !== (this.#duty === 'shipping');
    this.#duty = duty;
    this.#shipper = shipper;
    if (isOwn && duty === 'shipping') this.#options.log.info({}, 'this server ships the backups now');
    else if (isNew && duty === 'standby') this.#options.log.info({ shipper }, 'another server ships the backups');
    this.#tell();
    this.#worker?.send({ kind: 'duty', duty });
  }

  /**
   * Takes a full backup now, whosever turn it is; resolves once it is safe in the target.
   *
   * @throws Error saying why there is none.
   */
  backupNow(): Promise<FullDone> {
    if (this.#stopping !== null) return Promise.reject(new Error('the server is stopping'));
    if (this.#options.committedZxid() === null) {
      return Promise.reject(
        new Error('this server has no leader and does not know what is committed; try again later'),
      );
    }
    const worker = this.#worker;
    if (worker === null)
      return Promise.reject(new Error('the thread of the backups has failed; try again in a minute'));
    const request = ++this.#requests;
    return new Promise((resolve, reject) => {
      this.#orders.set(request, { resolve, reject });
      worker.send({ kind: 'backupNow', request });
    });
  }

  /** Up to where local logs are not needed by the backups any more; null: they are not waited for. */
  get logsNeededFrom(): number | null {
    return this.#duty === 'shipping' ? this.#report.shippedZxid : null;
  }

  /** Ships what is committed, if that is soon done, and ends. */
  stop(): Promise<void> {
    this.#stopping ??= this.#finish();
    return this.#stopping;
  }

  async #finish(): Promise<void> {
    this.#cancelRestart();
    this.#tell();
    this.#cancelTimer();
    const worker = this.#worker;
    if (worker === null) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.timers.set(FINISH_MS, resolve);
      this.#finished = () => {
        cancel();
        resolve();
      };
      worker.send({ kind: 'finish' });
    });
    worker.kill();
  }

  #poll(): void {
    this.#tell();
    this.#announcer.look(this.status(), this.#options.clock.monotonicMs());
    this.#cancelTimer = this.#options.timers.set(this.#pollMs, () => this.#poll());
  }

  #tell(): void {
    const zxid = this.#options.committedZxid();
    if (zxid === null || zxid === this.#lag.committedZxid) return;
    if (this.#duty === 'shipping') this.#lag.committed(zxid, this.#options.clock.monotonicMs());
    else this.#lag.notOurs(zxid);
    this.#worker?.send({ kind: 'committed', zxid });
  }

  #start(): void {
    const { clock, log, settings } = this.#options;
    this.#startedMs = clock.monotonicMs();
    try {
      const worker = this.#options.startWorker(settings, {
        message: (message) => this.#received(message),
        ended: (error) => this.#ended(error),
      });
      this.#worker = worker;
      worker.send({ kind: 'duty', duty: this.#duty });
      const committed = this.#lag.committedZxid;
      if (committed !== null) worker.send({ kind: 'committed', zxid: committed });
    } catch (error) {
      log.error({}, `backups cannot be started: ${(error as Error).message}`);
      this.#ended(error as Error);
    }
  }

  #received(message: FromWorker): void {
    switch (message.kind) {
      case 'report':
        this.#report = message.report;
        if (this.#duty === 'shipping') this.#lag.shipped(message.report.shippedZxid);
        break;
      case 'note':
        this.#options.log.info({}, `backup: ${message.message}`);
        break;
      case 'wantSnapshot':
        this.#answerSnapshot(message.request);
        break;
      case 'backedUp': {
        const order = this.#orders.get(message.request);
        this.#orders.delete(message.request);
        if (message.done === null) order?.reject(new Error(message.problem));
        else order?.resolve(message.done);
        break;
      }
      case 'finished':
        this.#finished?.();
    }
  }

  #answerSnapshot(request: number): void {
    const worker = this.#worker;
    this.#options.snapshot().then(
      (zxid) => worker?.send({ kind: 'snapshot', request, zxid, problem: '' }),
      (error: Error) => worker?.send({ kind: 'snapshot', request, zxid: null, problem: error.message }),
    );
  }

  /** The thread is gone: another one takes its place, and the server goes on as if nothing had happened. */
  #ended(error: Error | null): void {
    this.#worker = null;
    for (const order of this.#orders.values()) order.reject(new Error('the thread of the backups has failed'));
    this.#orders.clear();
    this.#finished?.();
    if (this.#stopping !== null) return;
    const { clock, timers, log } = this.#options;
    const now = clock.monotonicMs();
    this.#restarts = now - this.#startedMs >= WELL_MS ? 1 : this.#restarts + 1;
    const restartMs = Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** (this.#restarts - 1));
    const message = `the thread of the backups has failed and is started again: ${error?.stack ?? 'it ended by itself'}`;
    log.error({ restartMs }, message);
    const report = this.#report;
    this.#before = {
      failures: this.#before.failures + report.failures + 1,
      fulls: this.#before.fulls + report.fulls,
      segments: this.#before.segments + report.segments,
      bytesShipped: this.#before.bytesShipped + report.bytesShipped,
    };
    this.#report = {
      ...report,
      failures: 0,
      fulls: 0,
      segments: 0,
      bytesShipped: 0,
      failuresInARow: report.failuresInARow + 1,
      lastFailure: { atMs: clock.wallMs(), message: error?.message ?? 'the thread of the backups ended by itself' },
    };
    this.#cancelRestart = timers.set(restartMs, () => this.#start());
  }
}
