/**
 * An election written down from the reference alone (election-protocol, sections 5.2 to 5.6), with everything that Apache's
 * servers do not do: no early end, no answer to an equal round, messages dropped while an election is about to end. Partner and
 * yardstick for the real one.
 */
import { decodeNotification, encodeNotification, MIN_LONG, type Notification, ServerState } from '@headkeeper/protocol';
import type { OwnStanding, PeerState } from '../../src/core/election/fast-election.ts';
import type { ElectionVote } from '../../src/core/election/vote.ts';
import type { Membership } from '../../src/core/membership/membership.ts';

interface Proposal {
  leader: number;
  zxid: number;
  peerEpoch: number;
}

function better(a: Proposal, b: Proposal): boolean {
  return (
    a.peerEpoch > b.peerEpoch ||
    (a.peerEpoch === b.peerEpoch && (a.zxid > b.zxid || (a.zxid === b.zxid && a.leader > b.leader)))
  );
}

export class ApacheElection {
  readonly unwanted = false;
  readonly #sid: number;
  readonly #finalizeWaitMs: number;
  #membership: Membership | null = null;
  #state: PeerState = 'looking';
  #running = false;
  #round = 0;
  #current: ElectionVote;
  #own: OwnStanding | null = null;
  #proposal: Proposal = { leader: MIN_LONG, zxid: MIN_LONG, peerEpoch: MIN_LONG };
  #outcome: ElectionVote | null = null;
  #interval = 200;
  #resendAt: number = Number.POSITIVE_INFINITY;
  #finalizeAt: number = Number.POSITIVE_INFINITY;
  #linksWanted = false;
  readonly #received = new Map<number, Notification>();
  readonly #outOfElection = new Map<number, Notification>();
  #sends: { to: number; payload: Uint8Array }[] = [];

  constructor(settings: { sid: number; finalizeWaitMs: number }) {
    this.#sid = settings.sid;
    this.#finalizeWaitMs = settings.finalizeWaitMs;
    this.#current = { leader: settings.sid, zxid: 0, electionEpoch: 0, peerEpoch: 0 };
  }

  configure(committed: Membership): void {
    this.#membership = committed;
  }

  start(nowMs: number, own: OwnStanding): void {
    this.#own = own;
    this.#state = 'looking';
    this.#running = true;
    this.#outcome = null;
    this.#round++;
    if (this.#round === 1) this.#current = { ...this.#current, zxid: own.zxid, peerEpoch: own.peerEpoch };
    this.#received.clear();
    this.#outOfElection.clear();
    this.#proposal = this.#initial();
    this.#interval = 200;
    this.#finalizeAt = Number.POSITIVE_INFINITY;
    this.#sendAll(nowMs);
    this.#countOwn(nowMs);
  }

  receive(from: number, payload: Uint8Array, nowMs: number): void {
    const n = decodeNotification(payload);
    if (n === null) return;
    if (!this.#isVoter(from)) {
      this.#tell(from, this.#current, this.#round);
      return;
    }
    const looking = n.state === ServerState.looking;
    if (this.#state !== 'looking') {
      if (looking) this.#tell(from, this.#current, this.#current.electionEpoch);
      return;
    }
    if (!this.#running) return;
    if (looking && n.electionEpoch < this.#round) this.#tell(from, this.#proposal, this.#round);
    if (this.#finalizeAt !== Number.POSITIVE_INFINITY) {
      this.#finalizeAt = nowMs + this.#finalizeWaitMs;
      if (!better(n, this.#proposal)) return;
      this.#finalizeAt = Number.POSITIVE_INFINITY;
    }
    this.#resendAt = nowMs + this.#interval;
    if (!this.#isVoter(n.leader)) return;
    if (looking) this.#onLooking(from, n, nowMs);
    else if (n.state !== ServerState.observing) this.#onSettled(from, n);
  }

  tick(nowMs: number): void {
    if (!this.#running) return;
    if (nowMs >= this.#finalizeAt) {
      this.#end({ ...this.#proposal, electionEpoch: this.#round });
    } else if (nowMs >= this.#resendAt) {
      this.#interval = Math.min(this.#interval * 2, 60_000);
      this.#linksWanted = true;
      this.#sendAll(nowMs);
    }
  }

  get wakeAtMs(): number {
    if (!this.#running) return Number.POSITIVE_INFINITY;
    return this.#finalizeAt === Number.POSITIVE_INFINITY ? this.#resendAt : this.#finalizeAt;
  }

  get outcome(): ElectionVote | null {
    return this.#outcome;
  }

  get round(): number {
    return this.#round;
  }

  linkChanged(): void {}

  become(state: PeerState): void {
    this.#state = state;
    this.#running = false;
  }

  established(newEpoch: number): void {
    this.#current = { ...this.#current, peerEpoch: newEpoch };
  }

  takeSends(): { to: number; payload: Uint8Array }[] {
    const sends = this.#sends;
    this.#sends = [];
    return sends;
  }

  wantsLinks(): boolean {
    const wanted = this.#linksWanted;
    this.#linksWanted = false;
    return wanted;
  }

  #isVoter(sid: number): boolean {
    return this.#membership!.isVoter(sid);
  }

  #initial(): Proposal {
    const own = this.#own!;
    if (!own.participant) return { leader: MIN_LONG, zxid: MIN_LONG, peerEpoch: MIN_LONG };
    return { leader: this.#isVoter(this.#sid) ? this.#sid : MIN_LONG, zxid: own.zxid, peerEpoch: own.peerEpoch };
  }

  #beats(a: Proposal, b: Proposal): boolean {
    return this.#membership!.weightOf(a.leader) > 0 && better(a, b);
  }

  #onLooking(from: number, n: Notification, nowMs: number): void {
    if (n.zxid === -1) return;
    if (n.electionEpoch < this.#round) return;
    if (n.electionEpoch > this.#round) {
      this.#round = n.electionEpoch;
      this.#received.clear();
      this.#proposal = this.#beats(n, this.#initial()) ? n : this.#initial();
      this.#sendAll(nowMs);
      this.#store(this.#sid, this.#proposalMessage());
    } else if (this.#beats(n, this.#proposal)) {
      this.#proposal = n;
      this.#sendAll(nowMs);
      this.#store(this.#sid, this.#proposalMessage());
    }
    this.#store(from, n);
    this.#test(nowMs);
  }

  #countOwn(nowMs: number): void {
    this.#store(this.#sid, this.#proposalMessage());
    this.#test(nowMs);
  }

  #store(from: number, n: Notification): void {
    this.#received.set(from, n);
  }

  #test(nowMs: number): void {
    const mine = this.#proposalMessage();
    if (this.#isVoter(mine.leader) && this.#quorum(this.#received, (n) => sameLooking(n, mine))) {
      this.#finalizeAt = nowMs + this.#finalizeWaitMs;
    }
  }

  #onSettled(from: number, n: Notification): void {
    if (n.electionEpoch === this.#round) {
      this.#store(from, n);
      const same = (o: Notification): boolean =>
        o.state === ServerState.looking ? sameLooking(o, n) : o.leader === n.leader;
      if (this.#quorum(this.#received, same) && this.#confirmed(this.#received, n)) {
        this.#end(n);
        return;
      }
    }
    this.#outOfElection.set(from, n);
    const same = (o: Notification): boolean => o.leader === n.leader && o.peerEpoch === n.peerEpoch;
    if (this.#quorum(this.#outOfElection, same) && this.#confirmed(this.#outOfElection, n)) {
      this.#round = n.electionEpoch;
      this.#end(n);
    }
  }

  #confirmed(votes: Map<number, Notification>, n: Notification): boolean {
    if (n.leader === this.#sid) return this.#round === n.electionEpoch;
    return votes.get(n.leader)?.state === ServerState.leading;
  }

  #quorum(votes: Map<number, Notification>, same: (n: Notification) => boolean): boolean {
    return this.#membership!.isQuorum((sid) => {
      const vote = votes.get(sid);
      return vote !== undefined && same(vote);
    });
  }

  #end({ leader, zxid, electionEpoch, peerEpoch }: ElectionVote): void {
    this.#outcome = { leader, zxid, electionEpoch, peerEpoch };
    this.#current = this.#outcome;
    this.#running = false;
    this.#state = leader === this.#sid ? 'leading' : this.#own!.participant ? 'following' : 'observing';
  }

  #proposalMessage(): Notification {
    const { leader, zxid, peerEpoch } = this.#proposal;
    return { state: 0, leader, zxid, electionEpoch: this.#round, peerEpoch, version: 0, config: null };
  }

  #sendAll(nowMs: number): void {
    this.#resendAt = nowMs + this.#interval;
    for (const sid of this.#membership!.voters) if (sid !== this.#sid) this.#tell(sid, this.#proposal, this.#round);
  }

  #tell(to: number, { leader, zxid, peerEpoch }: Proposal, electionEpoch: number): void {
    const state = ServerState[this.#state];
    const config = this.#membership!.toText();
    const payload = encodeNotification({ state, leader, zxid, electionEpoch, peerEpoch, version: 2, config });
    this.#sends.push({ to, payload });
  }
}

function sameLooking(a: Notification, b: Notification): boolean {
  return (
    a.leader === b.leader && a.zxid === b.zxid && a.electionEpoch === b.electionEpoch && a.peerEpoch === b.peerEpoch
  );
}
