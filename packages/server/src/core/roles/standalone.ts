import type { Database } from '../database.ts';
import type { Pipeline } from '../pipeline.ts';
import { StandaloneWrites } from './standalone-writes.ts';

/** A server without an ensemble: what it has made durable is committed. */
export class Standalone {
  readonly #pipeline: Pipeline;
  readonly #writes: StandaloneWrites;
  #isResting = false;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
    this.#writes = new StandaloneWrites(pipeline);
  }

  start(): void {
    this.#writes.start();
    this.#pipeline.onSessionCreated = (session) => this.#writes.sessionCreated(session);
    this.#pipeline.clients.serve(this.#writes);
  }

  /** Nothing is proposed any more: another state is about to take the place of this one. */
  rest(): void {
    this.#isResting = true;
    this.#pipeline.forgetWork();
    this.#pipeline.clients.suspend(false);
    this.#pipeline.snapshots.abandon();
  }

  /** Serves that state. */
  resume(database: Database): void {
    this.#isResting = false;
    this.#pipeline.adopt(database, 0);
    this.start();
  }

  get isBehind(): boolean {
    return this.#writes.isBehind;
  }

  durable(): void {
    this.#writes.applyUpTo(this.#pipeline.durableZxid);
    this.#pipeline.clients.resumeStalled();
  }

  tick(): void {
    if (!this.#isResting) this.#writes.tick();
  }

  expire(idHigh: number, idLow: number): void {
    if (!this.#isResting) this.#writes.expire(idHigh, idLow);
  }
}
