import { decodeUtf8 } from '@headkeeper/protocol';
import type { Endpoint } from '../../ports.ts';
import { type Membership, MembershipError, parseMembership } from '../membership/membership.ts';
import type { PeerLink } from '../peer-link.ts';
import type { Stage } from '../stage.ts';

const TXN_HEADER_BYTES = 32;

/** What a learner takes from memberships: where its leader is, and what a new one means for it (quorum-protocol reference, 13). */
export class LearnedMembership {
  readonly #stage: Stage;
  readonly #leader: number;
  readonly #isObserver: boolean;
  #announced: Membership | null = null;

  constructor(stage: Stage, leader: number, isObserver: boolean) {
    this.#stage = stage;
    this.#leader = leader;
    this.#isObserver = isObserver;
  }

  /** Where to connect: to the leader, or, as an observer, to the followers that serve in its place. */
  leaderEndpoints(): Endpoint[] {
    const { committed, lastSeen, settings } = this.#stage;
    const { observerMasterPort } = settings;
    const masters: Endpoint[] = [];
    if (observerMasterPort !== null && this.#isObserver) {
      for (const sid of committed.voters) {
        if (sid === this.#leader) continue;
        for (const { host } of committed.quorumAddress(sid)) masters.push({ host, port: observerMasterPort });
      }
    }
    if (masters.length > 0) return masters;
    const known = committed.members.has(this.#leader) ? committed : lastSeen;
    return known.quorumAddress(this.#leader);
  }

  /** A reconfiguration, the txn `bytes[start, end)` of the link, is proposed: its membership is the last one seen. */
  propose(link: PeerLink, start: number, end: number): void {
    if (!this.#stage.settings.reconfigEnabled) return;
    const pathLength = link.view.getInt32(start + TXN_HEADER_BYTES);
    const dataAt = start + TXN_HEADER_BYTES + 4 + Math.max(0, pathLength);
    if (dataAt + 4 > end) return;
    const length = Math.max(0, Math.min(link.view.getInt32(dataAt), end - dataAt - 4));
    const membership = this.#parse(link.bytes.subarray(dataAt + 4, dataAt + 4 + length));
    if (membership !== null) this.#stage.see(membership);
  }

  /** NEWLEADER has come with the membership, in `text`, that counts once this server is up to date; old leaders send none. */
  newLeader(text: Uint8Array): void {
    const stage = this.#stage;
    if (text.length <= 1 || !stage.settings.reconfigEnabled) return;
    this.#announced = this.#parse(text);
    if (this.#announced === null) return;
    // Behind a leader's history a membership of ours that it does not know of was cut off with our log.
    if (this.#announced.version < stage.lastSeen.version) stage.forgetLastSeen();
    stage.see(this.#announced);
  }

  /** UPTODATE has come. Returns whether the role ends by the membership. */
  upToDate(): boolean {
    const before = this.#leaderAddress;
    return this.#announced !== null && this.#stage.commit(this.#announced) && this.#mustStartOver(before, null);
  }

  /** The reconfiguration `zxid` is committed: its membership first, then the txn, by `apply`. The role may end by it. */
  activate(zxid: number, designated: number, apply: () => void): void {
    const { lastSeen, settings } = this.#stage;
    const before = this.#leaderAddress;
    const changed = settings.reconfigEnabled && lastSeen.version === zxid && this.#stage.commit(lastSeen);
    apply();
    if (changed) this.#mustStartOver(before, designated);
  }

  /** A membership's text, or null when it cannot be read. */
  #parse(text: Uint8Array): Membership | null {
    try {
      return parseMembership(decodeUtf8(text));
    } catch (error) {
      if (!(error instanceof MembershipError)) throw error;
      this.#stage.note(`the leader's membership cannot be read: ${error.message}`);
      return null;
    }
  }

  /** The leader's addresses in the committed membership, to be compared. */
  get #leaderAddress(): string {
    const endpoints = this.#stage.committed.quorumAddress(this.#leader);
    return endpoints.map(({ host, port }) => `${host}:${port}`).join();
  }

  /** Whether the membership committed now ends the role: another part to play, another leader, or one at another address. */
  #mustStartOver(leaderAddress: string, designated: number | null): boolean {
    const stage = this.#stage;
    const roleChanged = stage.isObserver !== this.#isObserver;
    const leaderChanged =
      designated !== null
        ? designated !== this.#leader
        : !stage.committed.isVoter(this.#leader) || this.#leaderAddress !== leaderAddress;
    if (!roleChanged && !leaderChanged) return false;
    if (designated !== null) stage.designated = designated;
    stage.look(
      roleChanged ? 'this server has another part in the new membership' : 'the new membership has another leader',
    );
    return true;
  }
}
