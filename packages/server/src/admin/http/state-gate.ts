import type { Clock } from '../../ports.ts';
import type { Refusal } from './authorization.ts';
import type { AdminCall } from './command.ts';
import { RateLimit } from './rate-limit.ts';

/** What a command that takes or replaces the whole state is allowed by. */
export interface StateGateOptions {
  readonly enabled: boolean;
  /** Milliseconds between two calls that are let through; 0: no limit. */
  readonly intervalMs: number;
  /** `serializeLastProcessedZxid.enabled`: without it a snapshot does not say which zxid it stands for. */
  readonly namesZxid: boolean;
  readonly clock: Clock;
  readonly authorize: (call: AdminCall) => Refusal | null;
}

/** What one such command says for itself. */
export interface StateGateWords {
  /** Why it is off when it is not enabled. */
  readonly off: string;
  /** Such as "the last snapshot was taken", less than an interval ago. */
  readonly last: string;
  /** Why it cannot be done on this server now, with the status that says so; null when it can. */
  readonly obstacle: () => { readonly status: number; readonly error: string } | null;
  /** Told when a call came too soon. */
  readonly limited: () => void;
}

/** Decides whether such a command is carried out. Who may not call it learns nothing else. */
export class StateGate {
  readonly #options: StateGateOptions;
  readonly #words: StateGateWords;
  readonly #limit: RateLimit;

  constructor(options: StateGateOptions, words: StateGateWords) {
    this.#options = options;
    this.#words = words;
    this.#limit = new RateLimit(options.intervalMs, options.clock);
  }

  /** Why the call is refused, with Apache's status codes; null when it is let through, which then counts for the interval. */
  refusal(call: AdminCall): { readonly status: number; readonly error: string } | null {
    const { enabled, intervalMs, namesZxid, authorize } = this.#options;
    const { off, last, obstacle, limited } = this.#words;
    const refusal = authorize(call);
    if (refusal !== null) return refusal;
    if (!enabled) return { status: 503, error: off };
    if (!namesZxid) return { status: 500, error: 'serializeLastProcessedZxid.enabled must be true' };
    const reason = obstacle();
    if (reason !== null) return reason;
    if (this.#limit.allow()) return null;
    limited();
    return { status: 429, error: `${last} less than admin.rateLimiterIntervalInMS ago (${intervalMs} ms)` };
  }
}
