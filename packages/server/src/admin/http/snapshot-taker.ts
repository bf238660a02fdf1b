import type { Clock } from '../../ports.ts';

export interface SnapshotTakerPort {
  /** `version-2` of the data directory. */
  readonly folder: string;
  readonly clock: Clock;
  /** Of the state as it is. */
  lastZxid(): number;
  isRunning(): boolean;
  /** Begins a snapshot of the state as it is; does nothing while that is impossible. */
  begin(): void;
}

interface Waiting {
  readonly zxid: number;
  readonly resolve: (taken: { readonly zxid: number; readonly path: string }) => void;
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
  take(): Promise<{ readonly zxid: number; readonly path: string }> {
    return new Promise((resolve, reject) => {
      const endsMs = this.#port.clock.monotonicMs() + PATIENCE_MS;
      this.#waiting.push({ zxid: this.#port.lastZxid(), resolve, reject, endsMs });
      this.#timer ??= setInterval(() => this.#retry(), RETRY_MS).unref();
      // One that is running already is of an earlier state; this one follows it.
      if (!this.#port.isRunning()) this.#port.begin();
    });
  }

  /** A snapshot is complete, whoever has asked for it. */
  written(zxid: number): void {
    const path = `${this.#port.folder}/snapshot.${zxid.toString(16)}`;
    for (const one of this.#waiting) if (one.zxid <= zxid) one.resolve({ zxid, path });
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
