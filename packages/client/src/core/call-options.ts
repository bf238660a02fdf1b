/** Bounds of one call. */
export interface CallOptions {
  /** Gives the call up. A request that was not sent yet is not sent; one that was may have been applied. */
  readonly signal?: AbortSignal;
  /** Milliseconds from the call on; the client's `requestTimeoutMs` unless given. */
  readonly timeoutMs?: number;
  /** Only in this session: otherwise the call is rejected with sessionExpired. For what depends on ephemerals. */
  readonly session?: bigint;
}
