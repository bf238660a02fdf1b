import type { ServerAddress } from '../ports.ts';

/** How the client stands to its servers. */
export type ClientState =
  /** No server yet, or none any more; it goes on trying. */
  | 'connecting'
  | 'connected'
  /** Connected to a server without a quorum: reads only. */
  | 'connectedReadOnly'
  /** No more of use: closed by the caller, or by an expired session when that is what was asked for. */
  | 'closed'
  /** No more of use: a server refused an identity. */
  | 'authFailed';

export type ClientEvent =
  | {
      readonly type: 'connected';
      readonly server: ServerAddress;
      readonly sessionId: bigint;
      readonly readOnly: boolean;
      /** False: the session goes on from before, its ephemerals still there. */
      readonly isNewSession: boolean;
    }
  /** The session goes on for a while without a connection. */
  | { readonly type: 'disconnected'; readonly reason: Error | null }
  /**
   * Since the session timeout no answer has shown that the session lives: the servers may have ended it, and others may have
   * taken what its ephemerals stood for. A later `connected` with `isNewSession` false says that it lived after all.
   */
  | { readonly type: 'sessionUncertain'; readonly sessionId: bigint }
  /** The servers have ended the session, its ephemerals are gone. */
  | { readonly type: 'sessionExpired'; readonly sessionId: bigint }
  | { readonly type: 'authFailed'; readonly scheme: string }
  | { readonly type: 'closed' };

/** Where the client tells what it does; pino and others fit. */
export interface ClientLog {
  debug?(facts: object, message: string): void;
  info?(facts: object, message: string): void;
  warn?(facts: object, message: string): void;
}
