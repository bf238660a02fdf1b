import type { LogRecords } from '../../ports.ts';
import type { Database } from '../database.ts';
import type { PacketHandler, PeerLink } from '../peer-link.ts';

/** What a server of an ensemble does at a time: it looks for a leader, leads, or learns from one. */
export interface Role extends PacketHandler {
  readonly name: 'looking' | 'leading' | 'following' | 'observing';
  /** How far it is towards serving. */
  readonly stage: 'election' | 'discovery' | 'synchronization' | 'broadcast';
  /** Monotonic time at which `wake` is to be called; Infinity for never. */
  readonly wakeAtMs: number;
  /** Whether clients that have writes under way should wait. */
  readonly isBehind: boolean;
  /** Links to which a state is being sent. */
  readonly feeding: readonly number[];
  start(): void;
  /** Time has passed, or something has happened that other parts of the core have seen first (votes). */
  wake(): void;
  /** Something has become durable. */
  durable(): void;
  /** The end of a step: what the step has gathered goes into the links. */
  flush(): void;
  opened(link: PeerLink): void;
  disconnected(link: PeerLink): void;
  unreachable(): void;
  snapshotWritten(zxid: number): void;
  feedSlice(znodes: number): void;
  logChunk(link: PeerLink, chunk: LogRecords | null): void;
  storageDone(database: Database | null, unreachable: boolean): void;
  /** The role ends. Links that it still has are closed afterwards. */
  leave(): void;
}
