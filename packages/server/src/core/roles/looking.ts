import { limits } from '../../limits.ts';
import type { Database } from '../database.ts';
import type { PeerLink } from '../peer-link.ts';
import type { Stage } from '../stage.ts';
import { ReadOnlyWrites } from './read-only-writes.ts';
import type { Role } from './role.ts';

/** A stream that arrives while an election runs waits so long for this server to lead. */
const KEEP_LINK_MS = 2000;

/**
 * Looks for a leader. What this server says of its history is on its disk: the election begins when everything logged is
 * durable.
 */
export class Looking implements Role {
  readonly name = 'looking';
  readonly stage = 'election';
  readonly #shared: Stage;
  #started = false;
  /** Clients that were kept over the end of the last role are let go when the election takes long. */
  #patienceEndsMs: number;
  #startAtMs: number;
  /** When the stream that has waited longest is sent away. */
  #keepsUntilMs: number = Number.POSITIVE_INFINITY;
  /** Until then this server votes for its successor, if it has one. */
  #successorEndsMs: number;

  constructor(stage: Stage, delayMs: number) {
    this.#shared = stage;
    this.#startAtMs = stage.nowMs + delayMs;
    this.#patienceEndsMs = stage.nowMs + stage.settings.tickTimeMs;
    this.#successorEndsMs = stage.successor === null ? Number.POSITIVE_INFINITY : stage.nowMs + stage.successorMs;
  }

  get wakeAtMs(): number {
    const { wakeAtMs } = this.#shared.election;
    return Math.min(
      this.#started ? wakeAtMs : this.#startAtMs,
      this.#patienceEndsMs,
      this.#successorEndsMs,
      this.#keepsUntilMs,
    );
  }

  readonly isBehind = false;
  readonly feeding: readonly number[] = [];
  readonly takesRaw = false;

  raw(bytes: Uint8Array): number {
    return bytes.length;
  }

  start(): void {
    this.#begin();
  }

  #begin(): void {
    const { pipeline, election, epochs, nowMs } = this.#shared;
    if (this.#started || nowMs < this.#startAtMs) return;
    if (pipeline.durableZxid < pipeline.appendedZxid || this.#shared.storageBusy > 0) return;
    this.#started = true;
    const isBlank = pipeline.appendedZxid === 0 && epochs.accepted === 0 && epochs.current === 0;
    election.start(nowMs, {
      zxid: pipeline.appendedZxid,
      peerEpoch: epochs.current,
      participant: !this.#shared.isObserver,
      mayVote: this.#shared.rebuilding ? 'no' : isBlank ? 'blank' : 'yes',
      candidate: this.#shared.successor,
    });
  }

  wake(): void {
    if (this.#shared.nowMs >= this.#successorEndsMs) {
      this.#successorEndsMs = Number.POSITIVE_INFINITY;
      this.#shared.successor = null;
      if (this.#shared.election.outcome === null) this.#started = false;
    }
    this.#begin();
    this.#sendAway();
    if (this.#shared.nowMs < this.#patienceEndsMs) return;
    this.#patienceEndsMs = Number.POSITIVE_INFINITY;
    this.#shared.clients.suspend(false);
    // As on Apache, after two ticks of the clock at least: most elections end before.
    if (this.#shared.settings.readOnlyMode) this.#shared.clients.serve(new ReadOnlyWrites(this.#shared.pipeline));
  }

  /** Who waits for a leader that this server has not become must look again: a quorum may need its vote. */
  #sendAway(): void {
    const { nowMs, links } = this.#shared;
    if (nowMs < this.#keepsUntilMs) return;
    this.#keepsUntilMs = Number.POSITIVE_INFINITY;
    for (const link of [...links.values()]) {
      if (nowMs - link.openedMs >= KEEP_LINK_MS) this.#shared.close(link);
      else this.#keepsUntilMs = Math.min(this.#keepsUntilMs, link.openedMs + KEEP_LINK_MS);
    }
  }

  durable(): void {
    this.#begin();
  }

  flush(): void {}

  /**
   * A learner that is quicker than this server: its packets wait until this server leads, or it is sent away; at once where
   * this server votes for another.
   */
  opened(link: PeerLink): void {
    const { links, successor } = this.#shared;
    if (links.size > limits.learners || successor !== null) {
      this.#shared.close(link);
      return;
    }
    link.held = true;
    this.#keepsUntilMs = Math.min(this.#keepsUntilMs, this.#shared.nowMs + KEEP_LINK_MS);
  }

  disconnected(): void {}

  unreachable(): void {}

  packet(): void {}

  snapshotWritten(): void {}

  feedSlice(): void {}

  logChunk(): void {}

  /** What the role before has ordered: memory was ahead of the disk, and is what the disk says from here on. */
  storageDone(database: Database | null): void {
    if (database !== null) this.#shared.adopt(database);
    this.#begin();
  }

  leave(): void {
    if (this.#shared.clients.isReadOnly) this.#shared.clients.suspend(false);
  }
}
