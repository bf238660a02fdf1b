import type { SaslMechanism, ServerAddress } from '../ports.ts';
import type { ClientLog } from './events.ts';

/** An identity to show to every server the client connects to. */
export interface AuthInfo {
  /** Such as `digest`. */
  readonly scheme: string;
  /** Such as `user:password`. */
  readonly auth: Uint8Array;
}

/** What a client was told, checked and complete. */
export interface ClientSettings {
  readonly servers: readonly ServerAddress[];
  readonly chroot: string;
  /** Milliseconds; the server may grant another. */
  readonly sessionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly readOnly: boolean;
  readonly renewSession: boolean;
  readonly session: { readonly id: bigint; readonly password: Uint8Array } | null;
  readonly auth: readonly AuthInfo[];
  /** A new exchange for each connection; null: none. */
  readonly sasl: (() => SaslMechanism) | null;
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly maxReplyBytes: number;
  readonly maxRequestBytes: number;
  readonly log: ClientLog;
}
