import type { RandomStream } from '@headkeeper/testkit';
import type { SentBytes } from './sent-bytes.ts';

/**
 * How a directed link treats what is sent over it.
 *
 * - `up`: everything arrives, with delay.
 * - `silent`: nothing arrives; senders see no error, and what waits arrives after the healing, as TCP sends it again.
 * - `refuse`: connections over it are reset, and new ones refused.
 */
export type LinkState = 'up' | 'silent' | 'refuse';

/** Something that goes on once its link is up again. */
export interface WaitsForLink {
  healed(): void;
}

/** One direction between two hosts. */
export class Link {
  readonly random: RandomStream;
  readonly sent: SentBytes;
  state: LinkState = 'up';
  /** Smallest delay and the mean of what comes on top of it, in microseconds. */
  delay = 200;
  jitter = 100;
  /** Nothing arrives before this time. */
  stalledUntil = 0;
  /** In a million: how often a piece of a stream arrives in two parts. */
  splitChance = 0;
  /** Pipes that wait for the link to heal. */
  readonly waiting: Set<WaitsForLink> = new Set();
  /** When anything last went wrong here. */
  lastFault = 0;

  /** `sent`: has memory for what is under way. */
  constructor(random: RandomStream, sent: SentBytes) {
    this.random = random;
    this.sent = sent;
  }

  drawDelay(): number {
    return this.delay + this.random.wait(this.jitter);
  }
}
