import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { FaultyTarget, MemoryTarget, type TargetFault } from '@headkeeper/testkit';
import { restoreState } from '../../../src/backup/backup-state.ts';
import { exactSnapshot } from '../../../src/backup/exact-snapshot.ts';
import { BackupRepository } from '../../../src/backup/repository.ts';
import type { HistoryReader } from '../../../src/backup/ship/log-tail.ts';
import { ShipRecord } from '../../../src/backup/ship/ship-record.ts';
import type { ShipPace } from '../../../src/backup/ship/ship-settings.ts';
import { Shipper } from '../../../src/backup/ship/shipper.ts';
import { type VerifyReport, verifyBackup } from '../../../src/backup/verify.ts';
import { adler32 } from '../../../src/core/log/checksum.ts';
import { HistoryUnreachable, type LogCursor, type LogRecords } from '../../../src/ports.ts';
import { type RecordedHistory, seen, signal } from '../recorded-history.ts';

const PATIENCE_MS = 20_000;

const PACE: ShipPace = {
  gatherMs: 2,
  segmentBytes: 1 << 20,
  rollUpMs: 3_600_000,
  firstRetryMs: 1,
  longestRetryMs: 4,
  blockedRetryMs: 4,
  catchUpMs: 20,
  putTimeoutMs: 10_000,
  leastBytesPerMs: 32,
};

/** Those of the test that runs. A failed one leaves some to themselves, and they would go on for ever. */
const ships = new Set<Ship>();

afterEach(async () => {
  for (const ship of ships) {
    ship.shipper.abandon();
    await ship.ended;
  }
  ships.clear();
});

/** A server's log in memory: some of a recorded history, of which the beginning can be purged. */
export class RecordedLog implements HistoryReader {
  readonly #history: RecordedHistory;
  /** Txns that are in the log, committed or not. */
  written = 0;
  /** Txns that are not in the log any more. */
  purged = 0;

  constructor(history: RecordedHistory) {
    this.#history = history;
  }

  readLog(afterZxid: number): LogCursor | null {
    const { txns } = this.#history;
    let at = afterZxid === 0 ? 0 : txns.findIndex(({ zxid }) => zxid === afterZxid) + 1;
    if (at < this.purged || (at === 0 && afterZxid !== 0) || at > this.written) return null;
    return {
      get lastZxid() {
        return txns[at - 1]?.zxid ?? 0;
      },
      bytesAhead: () => 0,
      next: (_maxBytes, upToZxid) => {
        if (at < this.purged) throw new HistoryUnreachable('the log was purged');
        const from = at;
        while (at < Math.min(from + 7, this.written) && (txns[at] as { zxid: number }).zxid <= upToZxid) at++;
        return from === at ? null : recordsOf(txns.slice(from, at));
      },
      close: () => {},
    };
  }
}

function recordsOf(txns: readonly { readonly zxid: number; readonly body: Uint8Array }[]): LogRecords {
  const memory = Buffer.concat(txns.map(({ body }) => body));
  const ends: number[] = [];
  for (const { body } of txns) ends.push((ends.at(-1) ?? 0) + body.length);
  return {
    memory,
    count: txns.length,
    starts: Int32Array.from([0, ...ends.slice(0, -1)]),
    ends: Int32Array.from(ends),
    zxids: Float64Array.from(txns.map(({ zxid }) => zxid)),
    adlers: Uint32Array.from(txns.map(({ body }) => adler32(body, 0, body.length))),
  };
}

export interface ShipOptions {
  readonly pace?: Partial<ShipPace>;
  readonly fullIntervalMs?: number;
  readonly log?: RecordedLog;
}

/** One server that ships, its log, and how it sees the target. */
export class Ship {
  readonly log: RecordedLog;
  readonly record: ShipRecord;
  readonly shipper: Shipper;
  readonly notes: string[] = [];
  readonly ended: Promise<void>;
  readonly #history: RecordedHistory;
  /** How often the target was opened, to ship or to stand by. */
  opened = 0;
  /** Full backups that were asked for. */
  snapshots = 0;
  /** Txns that are committed here. */
  committed = 0;
  /** Whether the files of snapshots cannot be read. */
  readsFail = false;

  constructor(scene: Scene, options: ShipOptions = {}) {
    this.#history = scene.history;
    this.log = options.log ?? new RecordedLog(scene.history);
    this.record = new ShipRecord('memory', () => {});
    this.shipper = new Shipper({
      open: async (mayCreate, abort) => {
        try {
          if (mayCreate) return await BackupRepository.openOrCreate(scene.target, null, 1, abort);
          return await BackupRepository.open(scene.target, null, abort);
        } finally {
          this.opened++;
        }
      },
      history: this.log,
      requestSnapshot: async () => {
        this.snapshots++;
        return scene.history.zxidAt(this.committed - 1);
      },
      readSnapshot: (zxid) => {
        if (this.readsFail) throw new Error('EIO, as ordered');
        const count = zxid === 0 ? 0 : scene.history.txns.findIndex((txn) => txn.zxid === zxid) + 1;
        return exactSnapshot(scene.history.stateAfter(count), true);
      },
      prune: async () => {},
      clock: {
        wallMs: () => Date.now() + scene.wallOffsetMs,
        monotonicMs: () => performance.now(),
        pause: (ms, abort) => pause(Math.min(ms, PATIENCE_MS), undefined, { signal: abort }),
        breathe: () => pause(1),
      },
      random: () => 0.5,
      pace: { ...PACE, ...options.pace },
      fullIntervalMs: options.fullIntervalMs ?? 3_600_000,
      facts: { by: 'a test', compression: 'gzip' },
      record: this.record,
      note: (message) => this.notes.push(message),
    });
    this.ended = this.shipper.run();
    ships.add(this);
  }

  /** One that has the duty from its start. */
  static onDuty(scene: Scene, options: ShipOptions = {}): Ship {
    const ship = new Ship(scene, options);
    ship.shipper.setDuty(true);
    return ship;
  }

  /** Txns up to the `count`-th are in the log, those up to the `committed`-th are committed. */
  reach(count: number, committed: number = count): void {
    this.log.written = Math.max(this.log.written, count);
    this.committed = committed;
    this.shipper.committed(this.#history.zxidAt(committed - 1));
  }

  /** Txns up to the `count`-th are committed; waits until they are shipped. */
  async shipTo(count: number): Promise<void> {
    this.reach(count);
    await this.shippedTo(count);
  }

  async shippedTo(count: number): Promise<void> {
    const zxid = this.#history.zxidAt(count - 1);
    await until(() => (this.record.report.shippedZxid ?? -1) >= zxid, `shipped to ${count}`);
  }

  async finish(): Promise<void> {
    this.shipper.finish();
    await this.ended;
  }
}

export class Scene {
  readonly history: RecordedHistory;
  readonly memory: MemoryTarget = new MemoryTarget(() => Date.now());
  readonly target: FaultyTarget;
  wallOffsetMs = 0;

  constructor(history: RecordedHistory, seed = 1) {
    this.history = history;
    this.target = new FaultyTarget(this.memory, seed, (ms) => pause(ms));
  }

  async open(): Promise<BackupRepository> {
    return BackupRepository.open(this.memory, null, signal);
  }

  /** The backup is without a fault and restores to the state after `count` txns, which is the newest it has. */
  async assertComplete(count: number): Promise<void> {
    const report = await this.verify();
    assert.deepEqual(report.problems, []);
    assert.equal(report.newestRestorableZxid, this.history.zxidAt(count - 1));
    await this.assertRestores(count);
  }

  async assertRestores(count: number): Promise<void> {
    const repository = await this.open();
    const { settings } = this.history;
    const toZxid = this.history.zxidAt(count - 1);
    const { database } = await restoreState(repository, await repository.catalogue(signal), {
      toZxid,
      settings,
      signal,
    });
    assert.deepEqual(seen(database), seen(this.history.stateAfter(count)));
  }

  async verify(): Promise<VerifyReport> {
    return verifyBackup(await this.open(), { settings: this.history.settings, signal });
  }

  /** What happens to the manifest that is put next: behind its piece of log, which nothing happens to. */
  nextManifest(fault: TargetFault): void {
    this.target.next('put', { kind: 'slow', ms: 0 });
    this.target.next('put', fault);
  }

  names(prefix: string): string[] {
    return this.memory.names().filter((name) => name.startsWith(prefix));
  }
}

/** Waits for a condition, and fails when it does not come true. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUp = performance.now() + PATIENCE_MS;
  while (!condition()) {
    assert.ok(performance.now() < giveUp, `${what}: it did not come to that`);
    await pause(1);
  }
}
