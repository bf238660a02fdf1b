import type { ConnectionThrottleSettings } from '../settings.ts';
import type { OverloadCounters } from './overload-counters.ts';

/** The part of a handshake that says which session its client wants; 0 for a new one. */
interface Asked {
  readonly sessionHigh: number;
  readonly sessionLow: number;
}

interface Server {
  readonly settings: { readonly localSessionsEnabled: boolean };
  readonly statistics: { readonly overload: OverloadCounters };
  readonly nowMs: number;
}

/**
 * Decides which handshakes are taken. Two means, as in Apache's BlueThrottle: a token bucket, which bounds how many come in
 * a time and lets bursts pass; and, if asked for, a refusal by chance, whose probability grows each time the bucket is found
 * empty, so that those who always come a little later than the others get in, too.
 */
export class ConnectionThrottle {
  readonly #settings: ConnectionThrottleSettings;
  #tokens: number;
  /** The size that `#tokens` were counted by. */
  #size: number;
  #filledMs = 0;
  #frozenMs = 0;
  #dropProbability = 0;
  #random: number;

  /** `seed`: of the numbers that decide by chance. */
  constructor(settings: ConnectionThrottleSettings, seed: number) {
    this.#settings = settings;
    this.#random = seed | 1;
    this.#size = this.#wholeSize;
    this.#tokens = this.#size;
  }

  /** From here on time counts. */
  start(nowMs: number): void {
    this.#filledMs = nowMs;
    this.#frozenMs = nowMs;
  }

  /** The probability with which the next handshake is refused by chance. */
  get dropProbability(): number {
    return this.#dropProbability;
  }

  /** Tokens that are missing. */
  get deficit(): number {
    return this.#size - this.#tokens;
  }

  /** Whether a handshake of this kind is taken. */
  admits(kind: 'global' | 'local' | 'renew', nowMs: number): boolean {
    const settings = this.#settings;
    this.#resize();
    if (this.#size === 0) return true;
    this.#fill(nowMs);
    if (settings.freezeMs !== -1 && !this.#survives(nowMs)) return false;
    const cost = settings.isWeighted ? this.#costOf(kind) : 1;
    if (this.#tokens < cost) return false;
    this.#tokens -= cost;
    return true;
  }

  /** As `admits`, of what a client asks for; counted. */
  takes({ sessionHigh, sessionLow }: Asked, { settings, statistics, nowMs }: Server): boolean {
    const isNew = sessionHigh === 0 && sessionLow === 0;
    const { overload } = statistics;
    if (!this.admits(!isNew ? 'renew' : settings.localSessionsEnabled ? 'local' : 'global', nowMs)) {
      overload.connectionsRejected++;
      return false;
    }
    overload.tokenDeficit.add(this.deficit);
    return true;
  }

  /** The settings count sessions that all servers know: these have their full weight. */
  get #scale(): number {
    return this.#settings.isWeighted ? this.#costOf('global') : 1;
  }

  get #wholeSize(): number {
    return this.#settings.tokens * this.#scale;
  }

  /** A bucket that was made larger or smaller lacks as many tokens as before. */
  #resize(): void {
    const size = this.#wholeSize;
    if (size === this.#size) return;
    this.#tokens += size - this.#size;
    this.#size = size;
  }

  #costOf(kind: 'global' | 'local' | 'renew'): number {
    const { globalWeight, localWeight, renewWeight } = this.#settings;
    if (kind === 'local') return localWeight;
    return Math.max(localWeight, kind === 'global' ? globalWeight : renewWeight);
  }

  #fill(nowMs: number): void {
    const { fillTimeMs, fillCount } = this.#settings;
    const elapsed = nowMs - this.#filledMs;
    if (elapsed <= fillTimeMs) return;
    const back = Math.floor((elapsed * fillCount * this.#scale) / fillTimeMs);
    this.#tokens = Math.min(this.#tokens + back, this.#size);
    this.#filledMs = nowMs;
  }

  #survives(nowMs: number): boolean {
    const { freezeMs, dropIncrease, dropDecrease, decreaseRatio } = this.#settings;
    if (nowMs - this.#frozenMs > freezeMs) {
      const { deficit } = this;
      const p = this.#dropProbability;
      if (deficit >= this.#size) this.#dropProbability = Math.min(1, p + dropIncrease);
      else if (deficit <= Math.round(this.#size * decreaseRatio)) this.#dropProbability = Math.max(0, p - dropDecrease);
      this.#frozenMs = nowMs;
    }
    return this.#chance() >= this.#dropProbability;
  }

  /** The next of a seeded sequence of numbers in [0, 1). */
  #chance(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) / 4294967296;
  }
}
