import { Observations } from '../statistics/observations.ts';

/** What became of clients that asked for too much; under Apache's names in the metrics. */
export class OverloadCounters {
  /** Requests answered THROTTLEDOP. */
  throttledOps = 0;
  /** Requests found stale and carried out all the same; dropped; replies that nobody waited for any more. */
  staleRequests = 0;
  staleRequestsDropped = 0;
  staleReplies = 0;
  /** How often a connection had to wait for `requestLimit`. */
  requestThrottleWaits = 0;
  largeRequestsRejected = 0;
  /** Handshakes refused by the throttle. */
  connectionsRejected = 0;
  /** Connections closed because they held more of this server's memory than any other when there was too much of it. */
  connectionsCutOff = 0;
  /** Registrations of watches refused. */
  watchesRefused = 0;
  /** Tokens missing from the bucket of the connection throttle, at each handshake that it let pass. */
  readonly tokenDeficit: Observations = new Observations();
}

/** What clients make this server hold at the moment, over all connections. */
export class Held {
  /** Requests that are on their way: writes without an answer, and what waits behind them. */
  requests = 0;
  /** Bytes of the large ones among them, and of those that are still coming in. */
  largeBytes = 0;
  /** Memory of input that waits: whole requests, and beginnings of some. */
  inputBytes = 0;
}
