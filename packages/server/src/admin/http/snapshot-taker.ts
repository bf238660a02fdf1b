import type { Clock } from '../../ports.ts';

export interface SnapshotTakerPort {
  /** The file of the snapshot of `zxid`; throws when there is none. */
  readonly pathOf: (zxid: number) => string;
  readonly clock: Clock;
  /** Of the state as it is. */
  lastZxid(): number;
  isRunning(): boolean;
  /** Begins a snapshot of the state as it is; does nothing while that is impossible. */
  begin(): void;
}

interface Waiting {
  readonly zxid: number;
  readonly resolve: (zxid: number) => void;
  readonly reject: (error: Error) => void;
  readonly endsMs: number;
}

/** A change of the leader gives a running snapshot up; then another is begun. */
const RETRY_MS = 1000;
const PATIENCE_MS = 600_000;

/** Snapshots on request: each has everything that was applied when it was asked for. */
export class SnapshotTaker {
  readonly #port: SnapshotTakerPort;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(port: SnapshotTakerPort) {
    this.#port = port;
  }

  /** Resolves once the file is complete and durable. */
  async take(): Promise<{ readonly zxid: number; readonly path: string }> {
    const zxid = await new Promise<number>((resolve, reject) => {
      const endsMs = this.#port.clock.monotonicMs() + PATIENCE_MS;
      this.#waiting.push({ zxid: this.#port.lastZxid(), resolve, reject, endsMs });
      this.#timer ??= setInterval(() => this.#retry(), RETRY_MS).unref();
      // One that is running already is of an earlier state; this one follows it.
      if (!this.#port.isRunning()) this.#port.begin();
    });
    return { zxid, path: this.#port.pathOf(zxid) };
  }

  /** A snapshot is complete, whoever has asked for it. */
  written(zxid: number): void {
    for (const one of this.#waiting) if (one.zxid <= zxid) one.resolve(zxid);
    this.#keep(this.#waiting.filter((one) => one.zxid > zxid));
    if (this.#waiting.length > 0) setImmediate(() => this.#retry());
  }

  stop(): void {
    for (const one of this.#waiting) one.reject(new Error('the server stops'));
    this.#keep([]);
  }

  #retry(): void {
    const nowMs = this.#port.clock.monotonicMs();
    for (const one of this.#waiting) {
      if (nowMs >= one.endsMs) one.reject(new Error('no snapshot could be taken in time'));
    }
    this.#keep(this.#waiting.filter((one) => nowMs < one.endsMs));
    if (this.#waiting.length > 0 && !this.#port.isRunning()) this.#port.begin();
  }

  #keep(waiting: Waiting[]): void {
    this.#waiting = waiting;
    if (waiting.length > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}
