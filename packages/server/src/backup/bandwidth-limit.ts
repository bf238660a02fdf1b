/** Keeps what is put into a target below a number of bytes per second. */

import type { BackupTarget, TargetObject } from './target.ts';

/** Time, handed in so that tests need not wait. */
export interface BandwidthClock {
  /** Milliseconds that only ascend. */
  now(): number;
  /** Resolves after the time, or rejects with the signal's reason. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** Bodies go out in pieces of at most this many bytes, so that the flow is even. */
const PIECE_BYTES = 64 * 1024;

/**
 * A target whose puts together take at most `bytesPerSecond`, over any time longer than a moment. Reading is not limited:
 * whoever restores is in a hurry. A target that gathers pieces before it sends them, as S3 does with its parts, sends
 * each gathering at the speed of the line.
 */
export function limitBandwidth(target: BackupTarget, bytesPerSecond: number, clock: BandwidthClock): BackupTarget {
  if (!(bytesPerSecond > 0)) throw new RangeError(`a bandwidth limit of ${bytesPerSecond} bytes per second`);
  return new LimitedTarget(target, bytesPerSecond, clock);
}

class LimitedTarget implements BackupTarget {
  readonly description: string;
  readonly #target: BackupTarget;
  readonly #bytesPerMs: number;
  readonly #clock: BandwidthClock;
  /** When everything let through so far will have been paid for; all puts share it. */
  #paidUntil = Number.NEGATIVE_INFINITY;

  constructor(target: BackupTarget, bytesPerSecond: number, clock: BandwidthClock) {
    this.description = target.description;
    this.#target = target;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#clock = clock;
  }

  put(name: string, body: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#target.put(name, this.#slowed(body, signal), signal);
  }

  settled(signal: AbortSignal): Promise<void> {
    return this.#target.settled(signal);
  }

  get(name: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#target.get(name, signal);
  }

  list(prefix: string, signal: AbortSignal): AsyncIterable<TargetObject> {
    return this.#target.list(prefix, signal);
  }

  remove(name: string, signal: AbortSignal): Promise<void> {
    return this.#target.remove(name, signal);
  }

  close(): Promise<void> {
    return this.#target.close();
  }

  async *#slowed(body: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        const now = this.#clock.now();
        const start = Math.max(now, this.#paidUntil);
        this.#paidUntil = start + piece.length / this.#bytesPerMs;
        if (start > now) await this.#clock.pause(start - now, signal);
        yield piece;
      }
    }
  }
}
