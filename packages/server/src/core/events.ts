import type { Identity } from '@headkeeper/protocol';
import type { Endpoint, Epochs, LogRecords } from '../ports.ts';
import type { Database } from './database.ts';
import type { PeerLinkKind } from './peer-link.ts';

/** Time of an event: monotonic for durations, wall for the times that txns carry. Whole milliseconds. */
export interface EventTime {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** Everything that can happen to the core. Completions carry the generation of the role that asked for the work. */
export type Event = EventTime &
  /**
   * `isOwn`: the client is a part of this server, which may do everything. `identities`: what it has proved already, by the
   * certificate of its TLS connection.
   */
  (
    | {
        readonly kind: 'clientOpen';
        readonly connection: number;
        readonly address: string;
        readonly isOwn?: boolean;
        readonly identities?: readonly Identity[];
      }
    /** The bytes need stay valid only during the step. */
    | { readonly kind: 'clientData'; readonly connection: number; readonly bytes: Uint8Array }
    | { readonly kind: 'clientClose'; readonly connection: number }
    /** What the connection was sent is mostly with the network, so that it may be sent more. */
    | { readonly kind: 'clientDrained'; readonly connection: number }
    | { readonly kind: 'tick' }
    /** A new turn of the loop, after `Clients.wantsTurn` said that it matters. */
    | { readonly kind: 'turn' }
    /** A slice of the long work may be done; while some is pending nothing else may be said to the core. */
    | { readonly kind: 'work' }
    /** A session is to end as if its time were over; for a server that leads or stands alone, others do nothing. */
    | { readonly kind: 'expireSession'; readonly idHigh: number; readonly idLow: number }
    /** Everything appended up to `zxid` is on stable storage. */
    | { readonly kind: 'durable'; readonly generation: number; readonly zxid: number }
    /** The running snapshot may produce about `znodes` more. */
    | { readonly kind: 'snapshotSlice'; readonly generation: number; readonly znodes: number }
    /** The snapshot's file is complete and durable. */
    | { readonly kind: 'snapshotWritten'; readonly zxid: number }
    // Of an ensemble.
    /** A vote of another server. */
    | { readonly kind: 'notification'; readonly from: number; readonly bytes: Uint8Array }
    /** Whether votes can reach another server at once. */
    | { readonly kind: 'electionLink'; readonly sid: number; readonly up: boolean }
    | { readonly kind: 'peerOpen'; readonly link: number; readonly as: PeerLinkKind; readonly remote: Endpoint }
    /** The bytes need stay valid only during the step. */
    | { readonly kind: 'peerData'; readonly link: number; readonly bytes: Uint8Array }
    | { readonly kind: 'peerClosed'; readonly link: number }
    /** The leader could not be reached in time. */
    | { readonly kind: 'peerUnreachable'; readonly generation: number }
    /** Whether this server, one of two, may go on without the other. Said once at the start and at each change. */
    | { readonly kind: 'oracle'; readonly grants: boolean }
    /** A leader is to hand over: to server `to`, or to whoever is best if that is null. */
    | { readonly kind: 'transfer'; readonly to: number | null }
    /** A leader is to lead again, in epoch `least` or a later one. */
    | { readonly kind: 'raiseEpoch'; readonly least: number }
    /** Another state is about to take the place of this server's, under this zxid; `Replica.mayReplaceState` has been asked. */
    | { readonly kind: 'replaceState'; readonly zxid: number }
    /** The history that was set aside has been put together again, up to this zxid, and can take its place. */
    | { readonly kind: 'historyRepaired'; readonly zxid: number }
    /** The time that `wakeAtMs` named has come. */
    | { readonly kind: 'wake' }
    /** The state being sent to learners may be continued by about `znodes`. */
    | { readonly kind: 'feedSlice'; readonly generation: number; readonly znodes: number }
    /** Txns for a learner; null: the log does not lead there, or at too great length. */
    | {
        readonly kind: 'logChunk';
        readonly generation: number;
        readonly link: number;
        readonly chunk: LogRecords | null;
      }
    /** A storage order is carried out. `database`: the state read again; `unreachable`: the log has no such place. */
    | {
        readonly kind: 'storageDone';
        readonly generation: number;
        readonly database: Database | null;
        readonly unreachable: boolean;
        /** Those of a history that was put together again. */
        readonly epochs?: Epochs;
      }
  );
