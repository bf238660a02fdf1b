import type { Endpoint, Epochs } from '../ports.ts';
import type { FailedLogin } from './auth/authentication.ts';
import type { Connection } from './connection.ts';
import type { Membership } from './membership/membership.ts';
import type { PeerLink } from './peer-link.ts';

/** Whole framed records for the journal: `bytes[start, end)`, valid and unchanged until they are reported durable. */
export interface Append {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly firstZxid: number;
  readonly lastZxid: number;
}

/** What a snapshot in progress wants. `begin` names the file; `chunks` belong to the driver. */
export interface SnapshotWork {
  /** The snapshot under way is not wanted any more. */
  abandon: boolean;
  begin: number | null;
  chunks: Uint8Array[];
  /** The file is complete. */
  end: boolean;
}

/**
 * A change of the recorded history; its completion comes back as a `storageDone` event. Nothing is appended before that.
 *
 * - `truncate`: cut the log behind `zxid`; with `reload`, read the state again, too.
 * - `reload`: read the state again from snapshot and log.
 * - `beginInstall`: the snapshot that is written next replaces everything.
 * - `finishInstall`: it is written; everything older goes.
 * - `replace`: the state that the driver holds ready takes the place of everything.
 */
export interface StorageOrder {
  readonly kind: 'truncate' | 'reload' | 'beginInstall' | 'finishInstall' | 'replace' | 'finishRepair';
  readonly zxid: number;
  readonly reload: boolean;
}

/** Connect to a leader: the first of its addresses that answers. Comes back as `peerOpen` or `peerUnreachable`. */
export interface ConnectOrder {
  readonly endpoints: readonly Endpoint[];
  readonly timeoutMs: number;
  readonly retryMs: number;
}

export interface MembershipChange {
  readonly committed: Membership;
  readonly lastSeen: Membership;
}

/** What a server of an ensemble leaves for its driver beside what every server does. */
export interface EnsembleWork {
  /** Stored durably before anything else is done. */
  hardState: Epochs | null;
  membership: MembershipChange | null;
  storage: StorageOrder | null;
  /** Votes, by server. */
  notify: { readonly to: number; readonly payload: Uint8Array }[];
  /** Missing election connections are to be opened. */
  connectElection: boolean;
  /** Links with packets in `out`; each says what must be durable before they leave. */
  peerOutput: PeerLink[];
  peerClose: number[];
  connect: ConnectOrder | null;
  /** Learners that wait for txns from the disk. */
  logWanted: { readonly link: number; readonly afterZxid: number }[];
  /** Links to which a state is being sent; empty when none is. */
  feeding: readonly number[];
  /** This server has been synchronised: it may vote from now on. */
  synced: boolean;
  /** For the log of the server. */
  messages: string[];
  /** As `messages`, of what any peer can bring about as often as it likes. */
  peerMessages: string[];
  /** Monotonic time of the next `wake` event; Infinity for none. */
  wakeAtMs: number;
  /** The role has changed since the last Ready. */
  roleChanged: boolean;
}

/**
 * The work that steps have left for the driver, in the order in which it must be carried out: first the ensemble's
 * `hardState`, then `roll`, then `append` (whose completion comes back as a `durable` event), then the outputs, then the
 * closings, then the snapshot's bytes.
 *
 * Nothing in `output` depends on anything in `append`: a reply to a write exists only once its txn has been reported
 * durable, and committed. What must wait for the disk is not yet in any output.
 */
export interface Ready {
  readonly generation: number;
  /** The next append begins a new log file. */
  roll: boolean;
  append: Append[];
  /** Connections with bytes in `out`. */
  output: Connection[];
  /** There is more output than that: another Ready may be taken in the next turn, without a step. */
  more: boolean;
  /** Connections to be closed once their output is sent. */
  close: Connection[];
  snapshot: SnapshotWork;
  /** Null on a standalone server. */
  ensemble: EnsembleWork | null;
  /** Reading may go on on connections that were paused. */
  resume: boolean;
  /** Clients that have failed to prove who they are, for the log. */
  readonly failedLogins: readonly FailedLogin[];
}
