/**
 * One side of an authentication at the beginning of a connection. It is fed what the peer says and says what to answer;
 * what belongs to the stream behind it is left alone.
 */
export interface AuthExchange {
  /** What this side sends before it has heard anything; null: nothing. */
  readonly opening: Uint8Array | null;
  /** Looks at everything the peer has said and no earlier step has consumed. */
  take(bytes: Uint8Array, start: number, end: number): AuthStep;
  /** The peer ended the stream without a further word: whether it may pass all the same. */
  readonly passesSilent: boolean;
}

export interface AuthStep {
  /** Bytes that were part of the exchange. */
  readonly consumed: number;
  /** What to send now; null: nothing. */
  readonly reply: Uint8Array | null;
  /** `more`: more must come. `passed`: the connection is good. `refused`: it must be closed after the reply. */
  readonly outcome: 'more' | 'passed' | 'refused';
  /** Why it was refused, for the log. */
  readonly reason?: string;
}

/** Proves who the peers are (SASL; quorum TLS proves it beneath the streams). */
export interface PeerAuthenticator {
  /** The exchange of a side that has connected; null: it does not authenticate. */
  opener(): AuthExchange | null;
  /** The exchange of a side that was connected to; null: nothing is asked of the peer. */
  acceptor(): AuthExchange | null;
}
