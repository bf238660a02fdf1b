import type { Pipeline } from '../pipeline.ts';
import { LeaderWrites } from './leader-writes.ts';

/** A server without an ensemble: what it has made durable is committed. */
export class Standalone {
  readonly #pipeline: Pipeline;
  readonly #writes: LeaderWrites;

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
    this.#writes = new LeaderWrites(pipeline);
  }

  start(): void {
    this.#writes.start();
    this.#pipeline.onSessionCreated = (session) => this.#writes.sessionCreated(session);
    this.#pipeline.clients.serve(this.#writes);
  }

  get isBehind(): boolean {
    return this.#writes.isBehind;
  }

  durable(): void {
    this.#pipeline.applyUpTo(this.#pipeline.durableZxid);
    this.#pipeline.clients.resumeStalled();
  }

  tick(): void {
    this.#writes.tick();
  }
}
