import type { OverloadCounters } from '../../core/overload/overload-counters.ts';
import type { Metric } from './metric.ts';
import { counter, gauge, summary } from './metrics-of.ts';

/** What became of clients that asked for too much, under Apache's names. */
export function overloadMetrics(counters: OverloadCounters, dropProbability: number): Metric[] {
  return [
    gauge('connection_drop_probability', dropProbability),
    counter('connection_rejected', counters.connectionsRejected),
    summary('connection_token_deficit', counters.tokenDeficit),
    counter('throttled_ops', counters.throttledOps),
    counter('stale_requests', counters.staleRequests),
    counter('stale_requests_dropped', counters.staleRequestsDropped),
    counter('stale_replies', counters.staleReplies),
    counter('request_throttle_wait_count', counters.requestThrottleWaits),
    counter('large_requests_rejected', counters.largeRequestsRejected),
  ];
}
