/** What would be lost if everything were destroyed now, as seen from outside: by clients and by the target's listing. */

import { setTimeout as pause } from 'node:timers/promises';
import type { RecordingWriter } from './recording-writer.ts';
import type { WatchedTarget } from './watched-target.ts';

const LOOK_EVERY_MS = 40;
/** Half of the exposure that the servers are told to keep. */
const UP_TO_DATE_MS = 500;

export class ExposureMonitor {
  readonly #target: WatchedTarget;
  readonly #writers: readonly RecordingWriter[];
  /** For each writer, the number of its first write that is not known to be published. */
  readonly #unpublished: number[];
  #worstMs = 0;
  #nowMs = 0;
  #newest = 0;
  #stopping = false;
  #running: Promise<void> = Promise.resolve();

  constructor(target: WatchedTarget, writers: readonly RecordingWriter[]) {
    this.#target = target;
    this.#writers = writers;
    this.#unpublished = writers.map(() => 0);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** The newest zxid that any writer was told; 0 when there is none. */
  acknowledged(): number {
    return Math.max(0, ...this.#writers.map(({ writes }) => writes.findLast(({ zxid }) => zxid !== null)?.zxid ?? 0));
  }

  /**
   * Whether something newer than `since` is published, and nothing that is not has been acknowledged for long. Without the
   * first, backups that were up to date when something was killed would pass for having come over that.
   */
  isUpToDate(since: number): boolean {
    return this.#newest > since && this.#nowMs < UP_TO_DATE_MS;
  }

  /** The worst since the last call, in milliseconds. A target that does not answer has published nothing new. */
  takeWorst(): number {
    const worst = this.#worstMs;
    this.#worstMs = this.#nowMs;
    return worst;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#newest = Math.max(this.#newest, (await this.#target.newestZxid()) ?? 0);
      // After the listing: the age is overstated by the time that it took, never understated.
      const now = Date.now();
      this.#nowMs = Math.max(0, ...this.#writers.map((writer, index) => now - this.#oldest(writer, index, now)));
      this.#worstMs = Math.max(this.#worstMs, this.#nowMs);
      await pause(LOOK_EVERY_MS);
    }
  }

  /** When the oldest unpublished write of a writer was acknowledged; `now` when there is none. */
  #oldest(writer: RecordingWriter, index: number, now: number): number {
    let n = this.#unpublished[index]!;
    // A write without a zxid is as old as its neighbours.
    while (n < writer.writes.length && (writer.writes[n]!.zxid ?? 0) <= this.#newest) n += 1;
    this.#unpublished[index] = n;
    return writer.writes[n]?.answeredMs ?? now;
  }
}
