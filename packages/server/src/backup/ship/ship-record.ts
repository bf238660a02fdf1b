import type { FullManifest, LogManifest } from '../manifest.ts';
import type { ShipReport } from './messages.ts';

/** What can fail for itself: a full backup may keep failing while the log is shipped. */
export type ShipTask = 'log' | 'full' | 'care';

/** Keeps account of what was shipped and what failed, and tells of every change. */
export class ShipRecord {
  #report: ShipReport;
  readonly #changed: (report: ShipReport) => void;
  readonly #failing: Map<ShipTask, number> = new Map();
  /** What was shipped of the log, while no full backup is there that it could be applied to. */
  #waitingForFull: number | null = null;
  #hasFull = false;

  constructor(target: string, changed: (report: ShipReport) => void) {
    this.#changed = changed;
    this.#report = emptyReport(target);
  }

  get report(): ShipReport {
    return this.#report;
  }

  /** The target agrees with this server and holds everything up to `shippedZxid`; null: nothing of use. */
  connected(shippedZxid: number | null, nowMs: number): void {
    this.#hasFull = shippedZxid !== null;
    this.#waitingForFull = null;
    this.#set({ shippedZxid, lastSuccessMs: nowMs, ...this.#success('log') });
  }

  /** The log was shipped up to its beginning here: what follows needs a new full backup. */
  broken(): void {
    this.#hasFull = false;
    this.#waitingForFull = null;
  }

  foundFull({ zxid, takenMs, file }: FullManifest): void {
    this.#set({ lastFull: { zxid, takenMs, bytes: file.storedBytes } });
  }

  shippedLog({ lastZxid, file }: LogManifest, nowMs: number): void {
    const { segments, bytesShipped, shippedZxid } = this.#report;
    if (!this.#hasFull) this.#waitingForFull = lastZxid;
    this.#set({
      shippedZxid: this.#hasFull ? Math.max(lastZxid, shippedZxid ?? 0) : shippedZxid,
      segments: segments + 1,
      bytesShipped: bytesShipped + file.storedBytes,
      lastSuccessMs: nowMs,
      ...this.#success('log'),
    });
  }

  shippedFull(manifest: FullManifest, nowMs: number): void {
    const { fulls, bytesShipped, shippedZxid } = this.#report;
    this.#hasFull = true;
    this.#set({
      shippedZxid: Math.max(manifest.zxid, this.#waitingForFull ?? 0, shippedZxid ?? 0),
      fulls: fulls + 1,
      bytesShipped: bytesShipped + manifest.file.storedBytes,
      lastSuccessMs: nowMs,
      ...this.#success('full'),
    });
    this.#waitingForFull = null;
    this.foundFull(manifest);
  }

  /** Small segments were rounded up, old backups removed. */
  caredFor(bytes: number): void {
    this.#set({ bytesShipped: this.#report.bytesShipped + bytes, ...this.#success('care') });
  }

  failuresOf(task: ShipTask): number {
    return this.#failing.get(task) ?? 0;
  }

  /** `blocked`: why it will not get better unless an operator acts; else null. */
  failed(task: ShipTask, message: string, blocked: string | null, nowMs: number): void {
    this.#failing.set(task, this.failuresOf(task) + 1);
    this.#set({
      lastFailure: { atMs: nowMs, message },
      failures: this.#report.failures + 1,
      failuresInARow: this.#inARow(),
      blocked: blocked ?? this.#report.blocked,
    });
  }

  /** Nothing may be shipped, although the target works. */
  obstructed(why: string): void {
    if (this.#report.blocked !== why) this.#set({ blocked: why });
  }

  #success(task: ShipTask): Pick<ShipReport, 'failuresInARow' | 'blocked'> {
    this.#failing.delete(task);
    const failuresInARow = this.#inARow();
    return { failuresInARow, blocked: failuresInARow === 0 || task === 'log' ? null : this.#report.blocked };
  }

  #inARow(): number {
    return Math.max(0, ...this.#failing.values());
  }

  #set(change: Partial<ShipReport>): void {
    this.#report = { ...this.#report, ...change };
    this.#changed(this.#report);
  }
}

/** What is known before anything is shipped. */
export function emptyReport(target: string): ShipReport {
  return {
    target,
    shippedZxid: null,
    lastSuccessMs: null,
    lastFull: null,
    lastFailure: null,
    failuresInARow: 0,
    failures: 0,
    fulls: 0,
    segments: 0,
    bytesShipped: 0,
    blocked: null,
  };
}
