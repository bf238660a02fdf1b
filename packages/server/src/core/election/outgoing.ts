import { encodeNotification, ServerState } from '@headkeeper/protocol';
import type { Candidate } from './vote.ts';

export type PeerState = 'looking' | 'following' | 'leading' | 'observing';

const NOTHING: { to: number; payload: Uint8Array }[] = [];

/** Messages to send: only the newest for each server counts (election-protocol reference, 2.6). */
export class Outgoing {
  readonly #payloads = new Map<number, Uint8Array>();

  put(to: number, peerState: PeerState, vote: Candidate, electionEpoch: number, config: string): void {
    const { leader, zxid, peerEpoch } = vote;
    const state = ServerState[peerState];
    this.#payloads.delete(to);
    this.#payloads.set(to, encodeNotification({ state, leader, zxid, electionEpoch, peerEpoch, version: 2, config }));
  }

  take(): { to: number; payload: Uint8Array }[] {
    if (this.#payloads.size === 0) return NOTHING;
    const sends = [...this.#payloads].map(([to, payload]) => ({ to, payload }));
    this.#payloads.clear();
    return sends;
  }
}
