import { zxidText } from '../../core/log/recovery-refused.ts';
import { HistoryUnreachable } from '../../ports.ts';
import { BackupError } from '../backup-error.ts';
import type { Catalogue, FullEntry } from '../catalogue.ts';
import { planChain } from '../chain.ts';
import type { FullManifest } from '../manifest.ts';
import { manifestObject, parseObjectName } from '../naming.ts';
import type { BackupRepository, LogFacts } from '../repository.ts';
import { type BackOff, pauseAfter } from '../retry-policy.ts';
import type { LogSegment } from '../segment-builder.ts';
import { TargetError } from '../target.ts';
import { Bell, type ShipClock } from './bell.ts';
import { Deadline } from './deadline.ts';
import { putFullBackup } from './full-backup.ts';
import { type HistoryReader, LogTail } from './log-tail.ts';
import type { FullDone } from './messages.ts';
import { compareEnds, obstacleText } from './resume.ts';
import { removeCovered, rollUp } from './roll-up.ts';
import type { ShipRecord, ShipTask } from './ship-record.ts';
import type { ShipPace } from './ship-settings.ts';

export interface ShipperOptions {
  /**
   * Opens the target and the backup in it; called again after some failures. `mayCreate`: whether it makes a backup in an
   * empty target, which only the server that ships does.
   */
  readonly open: (mayCreate: boolean, signal: AbortSignal) => Promise<BackupRepository>;
  readonly history: HistoryReader;
  /** Has the server write a snapshot of its present state; resolves with its zxid. */
  readonly requestSnapshot: (signal: AbortSignal) => Promise<number>;
  readonly readSnapshot: (zxid: number) => AsyncIterable<Uint8Array>;
  /** Removes what the policy does not keep. */
  readonly prune: (repository: BackupRepository, signal: AbortSignal) => Promise<void>;
  readonly clock: ShipClock;
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number;
  readonly pace: ShipPace;
  readonly fullIntervalMs: number;
  readonly facts: Pick<LogFacts, 'by' | 'compression'>;
  readonly record: ShipRecord;
  /** For the server's log. */
  readonly note: (message: string) => void;
}

/** The target, found in agreement with this server, and how far it has been filled. */
interface Ground {
  readonly repository: BackupRepository;
  readonly tail: LogTail;
  /** The manifest that was put last; null before the first. */
  lastPut: string | null;
}

interface Order {
  readonly resolve: (done: FullDone) => void;
  readonly reject: (error: Error) => void;
}

const SOON_MS = 1000;
const LONG_MS = 3_600_000;
/** Time between two attempts to open the target of a server that stands by. */
const SPARE_MS = 30_000;
/** Time between two looks for what the policy does not keep; there is one after every full backup, too. */
const PRUNE_MS = 3_600_000;

/**
 * Carries the committed history of one server into a target: the log as it grows, full backups from time to time, and the
 * care for what is there. It tries again after every failure, for ever; nothing that happens to the target reaches the server.
 */
export class Shipper {
  readonly #options: ShipperOptions;
  readonly #bell: Bell;
  readonly #abort: AbortController = new AbortController();
  /** Between two bites of work the threads that serve clients have the processors for themselves, and wait for none. */
  readonly #between = (): Promise<void> => this.#options.clock.breathe();
  readonly #backOff: BackOff;
  #ground: Ground | null = null;
  /** The target was found to be another one than before, and is to be looked at anew. */
  #groundLost = false;
  /** Of a server that stands by: the backup, opened so that there is less to do when its turn comes; null if that failed. */
  #spare: Promise<BackupRepository | null> | null = null;
  #spareDueMs: number = Number.NEGATIVE_INFINITY;
  #committed: number | null = null;
  #ships = false;
  #finishing = false;
  /** When this server was first found to be behind the target; null while it is not. */
  #behindSinceMs: number | null = null;
  /** When txns were first seen that are not shipped; null while there are none. */
  #pendingSinceMs: number | null = null;
  #fullDueMs = 0;
  #rollUpDueMs = 0;
  #pruneDueMs = 0;
  /** What is under way beside the log: one thing at a time. */
  #chore: Promise<void> | null = null;
  #covered: ReadonlySet<string> = new Set();
  #orders: Order[] = [];

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#bell = new Bell(options.clock);
    this.#backOff = { firstMs: options.pace.firstRetryMs, maxMs: options.pace.longestRetryMs };
  }

  /** Everything up to `zxid` is committed and on the disk of this server. */
  committed(zxid: number): void {
    if (this.#committed !== null && zxid <= this.#committed) return;
    this.#committed = zxid;
    this.#bell.ring();
  }

  /** Whether it is this server that ships. */
  setDuty(ships: boolean): void {
    if (this.#ships === ships) return;
    this.#ships = ships;
    this.#bell.ring();
  }

  /** Takes a full backup as soon as it can be, whoever ships; rejects when that fails. */
  backupNow(): Promise<FullDone> {
    return new Promise((resolve, reject) => {
      this.#orders.push({ resolve, reject });
      this.#bell.ring();
    });
  }

  /** Ships what is committed, then `run` ends; a full backup under way is given up. */
  finish(): void {
    this.#finishing = true;
    this.#bell.ring();
  }

  /** Gives everything up at once. */
  abandon(): void {
    this.#finishing = true;
    this.#abort.abort(new Error('shipping has ended'));
  }

  /** Resolves once it was told to finish. */
  async run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const isWanted = this.#committed !== null && (this.#ships || this.#orders.length > 0);
      if (!isWanted && !this.#finishing) {
        if (!this.#ships && this.#chore === null) this.#standBy(signal);
        await this.#bell.wait(LONG_MS, signal).catch(() => {});
        continue;
      }
      if (!isWanted) break;
      try {
        if (!(await this.#round(signal))) break;
      } catch (error) {
        if (signal.aborted || this.#finishing) break;
        await this.#failed('log', error as Error);
      }
    }
    this.#abort.abort(new Error('shipping has ended'));
    await this.#chore;
    const spare = await this.#spare;
    await spare?.target.close().catch(() => {});
    for (const order of this.#orders.splice(0)) order.reject(new Error('the server stops'));
    this.#leave();
  }

  /** One look at what there is to do; false when it was told to finish and is done. */
  async #round(signal: AbortSignal): Promise<boolean> {
    if (this.#groundLost) this.#leave();
    this.#ground ??= await this.#connect(signal);
    const ground = this.#ground;
    if (ground === null) {
      if (this.#finishing) return false;
      await this.#options.clock.pause(this.#waitForAgreementMs(), signal);
      return true;
    }
    this.#startChore(ground, signal);
    if (!this.#ships) {
      await this.#bell.wait(SOON_MS, signal);
      return !this.#finishing;
    }
    const now = this.#options.clock.monotonicMs();
    const isPending = (this.#committed as number) > ground.tail.position;
    if (!isPending) this.#pendingSinceMs = null;
    else this.#pendingSinceMs ??= now;
    if (this.#pendingSinceMs !== null && !this.#finishing) {
      const gathered = now - this.#pendingSinceMs;
      if (gathered < this.#options.pace.gatherMs) {
        await this.#bell.wait(this.#options.pace.gatherMs - gathered, signal);
        return true;
      }
    }
    if (isPending) {
      this.#pendingSinceMs = null;
      await this.#ship(ground, signal);
      return true;
    }
    if (this.#finishing) return false;
    await this.#bell.wait(Math.max(1, Math.min(SOON_MS, this.#nextChoreMs() - now)), signal);
    return true;
  }

  /** Ships all that is committed. */
  async #ship(ground: Ground, signal: AbortSignal): Promise<void> {
    const { pace, record, clock } = this.#options;
    const { tail, repository } = ground;
    while (!this.#groundLost) {
      const before = tail.position;
      let segment: LogSegment | null;
      try {
        segment = await tail.next(this.#committed as number, pace.segmentBytes);
      } catch (error) {
        if (!(error instanceof HistoryUnreachable)) throw error;
        this.#beginAnew(ground, error.message);
        return;
      }
      if (segment === null) return;
      const putMs = pace.putTimeoutMs + segment.plainBytes / pace.leastBytesPerMs;
      const deadline = new Deadline(signal, Math.ceil(putMs));
      try {
        const manifest = await repository.putLog(segment, this.#facts(), deadline.signal, this.#between);
        ground.lastPut = manifestOf(manifest.file.object);
        record.shippedLog(manifest, clock.wallMs());
      } catch (error) {
        tail.rewind(before);
        throw deadline.isOver ? tooSlow(repository, putMs) : error;
      } finally {
        deadline.end();
      }
    }
  }

  /** What the log lacks is in no segment: from the next full backup on everything is there again. */
  #beginAnew(ground: Ground, why: string): void {
    this.#options.note(`${why}: a full backup begins anew; what is between is a gap in the backup`);
    this.#options.record.broken();
    ground.tail.close();
    this.#ground = { ...ground, tail: new LogTail(this.#options.history, this.#committed as number, this.#between) };
    this.#fullDueMs = this.#options.clock.monotonicMs();
  }

  /** Opens the target and compares it with this server; null when nothing may be shipped for now. */
  async #connect(signal: AbortSignal): Promise<Ground | null> {
    const { history, record, clock, note } = this.#options;
    const { repository, catalogue } = await this.#open(signal);
    // As of now: what another server has shipped until a moment ago is committed here by this time.
    const committed = this.#committed as number;
    let hasGround = false;
    try {
      const newest = catalogue.fulls.at(-1);
      const [found, manifest] = await Promise.all([
        compareEnds(repository, catalogue, history, committed, signal),
        newest === undefined ? null : this.#readFull(repository, newest, signal),
      ]);
      if (found.kind === 'ahead' || found.kind === 'other') {
        this.#obstructed(obstacleText(found, committed, repository.target.description), found.kind);
        return null;
      }
      this.#behindSinceMs = null;
      const now = clock.monotonicMs();
      const isWhole = found.kind === 'same' && planChain(catalogue, found.zxid).kind === 'chain';
      const age = manifest === null ? Number.POSITIVE_INFINITY : Math.max(0, clock.wallMs() - manifest.takenMs);
      this.#fullDueMs = isWhole ? now + Math.max(0, this.#options.fullIntervalMs - age) : now;
      this.#rollUpDueMs = now + this.#options.pace.rollUpMs * this.#options.random();
      record.connected(isWhole ? found.zxid : null, clock.wallMs());
      if (manifest !== null) record.foundFull(manifest);
      const from = found.kind === 'same' ? found.zxid : committed;
      note(
        `${repository.target.description}: ${
          found.kind === 'same'
            ? `the log is shipped from ${zxidText(from)} on`
            : `a full backup begins ${catalogue.fulls.length === 0 ? 'the' : 'anew the'} backup`
        }`,
      );
      hasGround = true;
      // What has been waiting while nobody shipped is not gathered any longer.
      this.#pendingSinceMs = Number.NEGATIVE_INFINITY;
      return { repository, tail: new LogTail(history, from, this.#between), lastPut: null };
    } finally {
      if (!hasGround) await repository.target.close();
    }
  }

  /** The backup, as it was opened while this server stood by if it still is that one, and what there is in it. */
  async #open(signal: AbortSignal): Promise<{ readonly repository: BackupRepository; readonly catalogue: Catalogue }> {
    const spare = await this.#spare;
    this.#spare = null;
    if (spare !== null) {
      const look = Promise.all([spare.isInPlace(signal), spare.catalogue(signal)]);
      const [isInPlace, catalogue] = await look.catch(() => [false, null] as const);
      if (isInPlace && catalogue !== null) return { repository: spare, catalogue };
      await spare.target.close().catch(() => {});
    }
    const repository = await this.#options.open(true, signal);
    try {
      return { repository, catalogue: await repository.catalogue(signal) };
    } catch (error) {
      await repository.target.close();
      throw error;
    }
  }

  async #readFull(repository: BackupRepository, entry: FullEntry, signal: AbortSignal): Promise<FullManifest | null> {
    try {
      return await repository.fullManifest(entry, signal);
    } catch (error) {
      if (error instanceof BackupError && error.problem === 'damaged') return null;
      throw error;
    }
  }

  #obstructed(why: string, kind: 'ahead' | 'other'): void {
    const now = this.#options.clock.monotonicMs();
    this.#behindSinceMs ??= now;
    // A server that has just come into its ensemble may need a moment to have what another one has shipped.
    if (kind === 'ahead' && now - this.#behindSinceMs < this.#options.pace.catchUpMs) return;
    this.#options.record.obstructed(why);
    for (const order of this.#orders.splice(0)) order.reject(new Error(why));
  }

  #waitForAgreementMs(): number {
    const { pace, record } = this.#options;
    return record.report.blocked === null ? pace.firstRetryMs : pace.blockedRetryMs;
  }

  #nextChoreMs(): number {
    return this.#chore === null ? Math.min(this.#fullDueMs, this.#rollUpDueMs) : Number.POSITIVE_INFINITY;
  }

  #startChore(ground: Ground, signal: AbortSignal): void {
    if (this.#chore !== null || this.#finishing) return;
    const now = this.#options.clock.monotonicMs();
    const isOrdered = this.#orders.length > 0;
    let chore: Promise<void>;
    let task: ShipTask;
    if (isOrdered || (this.#ships && now >= this.#fullDueMs)) {
      task = 'full';
      chore = this.#takeFull(ground, signal);
    } else if (this.#ships && now >= this.#rollUpDueMs) {
      task = 'care';
      chore = this.#care(ground, signal);
    } else return;
    this.#chore = chore
      .catch((error: Error) => this.#choreFailed(task, error))
      .finally(() => {
        this.#chore = null;
        this.#bell.ring();
      });
  }

  async #takeFull(ground: Ground, signal: AbortSignal): Promise<void> {
    const { repository } = ground;
    const { clock, facts, history, readSnapshot, record } = this.#options;
    const orders = this.#orders.splice(0);
    try {
      const takenMs = clock.wallMs();
      const zxid = await this.#options.requestSnapshot(signal);
      const manifest = await putFullBackup({
        repository,
        history,
        readSnapshot,
        zxid,
        takenMs,
        facts,
        between: this.#between,
        signal,
      });
      ground.lastPut = manifestOf(manifest.file.object);
      record.shippedFull(manifest, clock.wallMs());
      this.#fullDueMs = clock.monotonicMs() + this.#options.fullIntervalMs;
      const done = { zxid, takenMs, bytes: manifest.file.storedBytes, object: manifest.file.object };
      for (const { resolve } of orders) resolve(done);
      this.#pruneDueMs = 0;
      this.#rollUpDueMs = Math.min(this.#rollUpDueMs, clock.monotonicMs() + SOON_MS);
    } catch (error) {
      for (const { reject } of orders) reject(error as Error);
      throw error;
    }
  }

  /** Rounds up small segments, and removes what is not kept. */
  async #care(ground: Ground, signal: AbortSignal): Promise<void> {
    const { history, clock, pace, prune, record } = this.#options;
    const { repository } = ground;
    const shippedZxid = ground.tail.position;
    const catalogue = await repository.catalogue(signal);
    if (await this.#isLost(ground, catalogue, shippedZxid, signal)) {
      this.#options.note(`${repository.target.description}: what was put there has gone; it is looked at anew`);
      this.#groundLost = true;
      return;
    }
    const bytes = await rollUp({
      repository,
      catalogue,
      history,
      shippedZxid,
      facts: () => this.#facts(),
      between: this.#between,
      signal,
    });
    const now = bytes > 0 ? await repository.catalogue(signal) : catalogue;
    this.#covered = await removeCovered(repository, now, this.#covered, signal);
    if (clock.monotonicMs() >= this.#pruneDueMs) {
      await prune(repository, signal);
      this.#pruneDueMs = clock.monotonicMs() + PRUNE_MS;
    }
    record.caredFor(bytes);
    this.#rollUpDueMs = clock.monotonicMs() + pace.rollUpMs;
  }

  /** Whether the target was emptied or changed for another, as when a mount goes away. An old listing is no loss. */
  async #isLost(
    { repository, lastPut }: Ground,
    catalogue: Catalogue,
    shippedZxid: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!(await repository.isInPlace(signal))) return true;
    if (this.#options.record.report.shippedZxid === null) return false;
    if (planChain(catalogue, shippedZxid).kind === 'chain') return false;
    const isShown = (catalogue.newestZxid ?? -1) >= shippedZxid;
    return isShown || (lastPut !== null && !(await repository.holds(lastPut, signal)));
  }

  #choreFailed(task: ShipTask, error: Error): void {
    if (this.#abort.signal.aborted) return;
    const { clock, record } = this.#options;
    record.failed(task, sentence(error), blockedBy(error), clock.wallMs());
    const retryMs = clock.monotonicMs() + pauseAfter(record.failuresOf(task), this.#options.random(), this.#backOff);
    if (task === 'full') this.#fullDueMs = retryMs;
    else this.#rollUpDueMs = retryMs;
  }

  async #failed(task: ShipTask, error: Error): Promise<void> {
    const { clock, record, random } = this.#options;
    record.failed(task, sentence(error), blockedBy(error), clock.wallMs());
    if (this.#ground === null) for (const order of this.#orders.splice(0)) order.reject(error);
    const pause = pauseAfter(record.failuresOf(task), random(), this.#backOff);
    await clock.pause(pause, this.#abort.signal).catch(() => {});
  }

  #facts(): LogFacts {
    return { ...this.#options.facts, publishedMs: this.#options.clock.wallMs() };
  }

  /** Another server ships. Whatever is wrong with the target is said when this one does. */
  #standBy(signal: AbortSignal): void {
    this.#leave();
    const now = this.#options.clock.monotonicMs();
    if (this.#committed === null || this.#spare !== null || now < this.#spareDueMs) return;
    this.#spareDueMs = now + SPARE_MS;
    this.#spare = this.#options.open(false, signal).catch(() => {
      this.#spare = null;
      return null;
    });
  }

  /** The target is looked at anew before this server ships again. */
  #leave(): void {
    const ground = this.#ground;
    this.#ground = null;
    this.#groundLost = false;
    this.#behindSinceMs = null;
    if (ground === null) return;
    ground.tail.close();
    ground.repository.target.close().catch(() => {});
  }
}

function manifestOf(data: string): string | null {
  const parsed = parseObjectName(data);
  return parsed === null ? null : manifestObject(parsed.name);
}

/** Names of objects and the target are in the messages of these; what else fails is named by its kind. */
function sentence(error: Error): string {
  return error instanceof TargetError || error instanceof BackupError ? error.message : String(error);
}

/** What does not get better by itself. */
function blockedBy(error: Error): string | null {
  if (error instanceof BackupError) return error.message;
  return error instanceof TargetError && (error.failure === 'full' || error.failure === 'denied')
    ? error.message
    : null;
}

function tooSlow({ target }: BackupRepository, ms: number): TargetError {
  return new TargetError(
    'unreachable',
    `${target.description} has not taken a piece of the log within ${Math.ceil(ms / 1000)} s.`,
  );
}
