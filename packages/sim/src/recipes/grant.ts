import type { ClientNode } from './client-node.ts';

/** Somebody was told that it holds something. */
export interface Grant {
  readonly node: ClientNode;
  /** Number of the process. */
  readonly life: number;
  readonly session: bigint;
  /** What of it is held: two grants of some kinds go together, of others not. */
  readonly kind: string;
  readonly token: number;
  /** Aborted when the holder is told that it may have lost it. */
  readonly signal: AbortSignal;
  isGivenUp: boolean;
}
