/** What a configuration says of limits and throttles. Times in milliseconds, sizes in bytes. */
export interface LimitsValues {
  /** Requests of this ensemble's clients that may be on their way; see `OverloadSettings.outstandingRequests`. */
  readonly globalOutstandingLimit: number;
  /** Requests longer than this are large; -1: none is. */
  readonly largeRequestThreshold: number;
  readonly largeRequestMaxBytes: number;
  /** Requests that may be on their way on this server before others wait; 0: no limit. */
  readonly requestThrottleLimit: number;
  readonly requestThrottleDropStale: boolean;
  readonly requestStaleLatencyCheck: boolean;
  readonly requestStaleConnectionCheck: boolean;
  /** A request that has waited longer is answered THROTTLEDOP; 0: none is. */
  readonly throttledOpWaitTimeMs: number;
  /** 0: connections are not throttled. */
  readonly connectionMaxTokens: number;
  readonly connectionTokenFillTimeMs: number;
  readonly connectionTokenFillCount: number;
  /** -1: nothing is refused by chance. */
  readonly connectionFreezeTimeMs: number;
  readonly connectionDropIncrease: number;
  readonly connectionDropDecrease: number;
  readonly connectionDecreaseRatio: number;
  readonly connectionWeightEnabled: boolean;
  readonly connectionGlobalSessionWeight: number;
  readonly connectionLocalSessionWeight: number;
  readonly connectionRenewSessionWeight: number;
}
