import type { SnapshotWork } from '../core/ready.ts';
import type { SnapshotSink, SnapshotStore } from '../ports.ts';

/** Znodes that one slice looks at: about a millisecond of work. */
const ZNODES_PER_SLICE = 1024;

export interface SnapshotRunnerPort {
  /** Gives the core a slice of time for the running snapshot. */
  slice(generation: number, znodes: number): void;
  isRunning(): boolean;
  written(zxid: number, error: Error | null): void;
}

/** Moves a snapshot from the core to its file, slice by slice, and waits when the disk is behind. */
export class SnapshotRunner {
  readonly #store: SnapshotStore;
  readonly #defer: (fn: () => void) => void;
  readonly #port: SnapshotRunnerPort;
  #sink: SnapshotSink | null = null;
  #zxid = 0;
  #generation = 0;
  #full = false;
  #scheduled = false;

  constructor(store: SnapshotStore, defer: (fn: () => void) => void, port: SnapshotRunnerPort) {
    this.#store = store;
    this.#defer = defer;
    this.#port = port;
  }

  run(work: SnapshotWork, generation: number): void {
    if (work.begin !== null) this.#begin(work.begin, generation);
    if (this.#sink === null) return;
    for (const chunk of work.chunks) if (!this.#sink.write(chunk)) this.#full = true;
    if (work.end) this.#end(this.#sink);
    else this.#schedule();
  }

  abort(): void {
    this.#sink?.abort();
    this.#sink = null;
  }

  #begin(zxid: number, generation: number): void {
    this.#zxid = zxid;
    this.#generation = generation;
    this.#full = false;
    this.#sink = this.#store.begin(zxid, () => {
      this.#full = false;
      this.#schedule();
    });
  }

  #end(sink: SnapshotSink): void {
    this.#sink = null;
    const zxid = this.#zxid;
    sink.finish((error) => this.#port.written(zxid, error));
  }

  #schedule(): void {
    if (this.#scheduled || this.#full || this.#sink === null || !this.#port.isRunning()) return;
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      if (this.#sink !== null) this.#port.slice(this.#generation, ZNODES_PER_SLICE);
    });
  }
}
