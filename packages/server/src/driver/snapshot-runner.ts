import type { SnapshotWork } from '../core/ready.ts';
import type { SnapshotSink, SnapshotStore } from '../ports.ts';

/** Znodes that one slice looks at: about a millisecond of work. */
const ZNODES_PER_SLICE = 1024;
/** The same while nobody is being served, and a server waits for its state to reach the disk. */
const ZNODES_PER_LONG_SLICE = 16_384;

export interface SnapshotRunnerPort {
  /** Gives the core a slice of time for the running snapshot. */
  slice(generation: number, znodes: number): void;
  isRunning(): boolean;
  /** Whether clients would notice a long slice. */
  isServing(): boolean;
  /** The disk can take more, after it was behind. */
  drained(): void;
  /** The memory of a chunk is on the disk and free for another. */
  giveBack(chunk: Uint8Array): void;
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
  /** Whether the file of the snapshot before is still being completed. */
  #finishing = false;
  /** A snapshot that began meanwhile: its name, and what it has produced so far. */
  readonly #idle: (() => void)[] = [];
  #next: { readonly zxid: number; readonly chunks: Uint8Array[] } | null = null;

  constructor(store: SnapshotStore, defer: (fn: () => void) => void, port: SnapshotRunnerPort) {
    this.#store = store;
    this.#defer = defer;
    this.#port = port;
  }

  run(work: SnapshotWork, generation: number): void {
    if (work.abandon) this.abort();
    // A snapshot goes on over a change of role: its state is what it was.
    this.#generation = generation;
    if (work.begin !== null) {
      if (this.#finishing) this.#next = { zxid: work.begin, chunks: [] };
      else this.#begin(work.begin);
    }
    if (this.#next !== null) this.#next.chunks.push(...work.chunks);
    if (this.#sink === null) return;
    for (const chunk of work.chunks) if (!this.#sink.write(chunk, this.#giveBack)) this.#full = true;
    if (work.end) this.#end(this.#sink);
    else this.#schedule();
  }

  /** Whether the disk is behind with the snapshot that is running. */
  get isBehind(): boolean {
    return this.#full;
  }

  /** Calls back when no file is being completed. */
  whenIdle(fn: () => void): void {
    if (this.#finishing || this.#sink !== null) this.#idle.push(fn);
    else fn();
  }

  abort(): void {
    this.#full = false;
    this.#sink?.abort();
    this.#sink = null;
    this.#next = null;
    if (!this.#finishing) for (const fn of this.#idle.splice(0)) fn();
  }

  #begin(zxid: number): void {
    this.#zxid = zxid;
    this.#full = false;
    this.#sink = this.#store.begin(zxid, () => {
      this.#full = false;
      this.#schedule();
      this.#port.drained();
    });
  }

  readonly #giveBack = (chunk: Uint8Array): void => this.#port.giveBack(chunk);

  #end(sink: SnapshotSink): void {
    this.#sink = null;
    const zxid = this.#zxid;
    this.#finishing = true;
    sink.finish((error) => {
      this.#finishing = false;
      this.#port.written(zxid, error);
      if (error === null) this.#beginNext();
      if (this.#sink === null && !this.#finishing) for (const fn of this.#idle.splice(0)) fn();
    });
  }

  /** Until here the snapshot that waits has been given no slice: its chunks are the old states of znodes that changed. */
  #beginNext(): void {
    const next = this.#next;
    if (next === null) return;
    this.#next = null;
    this.#begin(next.zxid);
    this.run({ abandon: false, begin: null, chunks: next.chunks, end: false }, this.#generation);
  }

  #schedule(): void {
    if (this.#scheduled || this.#full || this.#sink === null || !this.#port.isRunning()) return;
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      const znodes = this.#port.isServing() ? ZNODES_PER_SLICE : ZNODES_PER_LONG_SLICE;
      if (this.#sink !== null) this.#port.slice(this.#generation, znodes);
    });
  }
}
