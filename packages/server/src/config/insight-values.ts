/** What a configuration says of looking closely at what clients do. Times in milliseconds. */
export interface InsightValues {
  /** 0: slow requests are not told of. */
  readonly slowRequestMs: number;
  readonly pathStatsEnabled: boolean;
  readonly pathStatsSlots: number;
  readonly pathStatsSlotMs: number;
  readonly pathStatsMaxDepth: number;
  /** Part of the requests that is looked at, above 0 and at most 1. */
  readonly pathStatsSampleRate: number;
  readonly pathStatsInitialDelayMs: number;
  readonly pathStatsDelayMs: number;
  readonly pathStatsTop: number;
  /** Whether the last packets between servers are told of when they lose each other, and how many. */
  readonly messageTracker: boolean;
  readonly messageTrackerSize: number;
}
