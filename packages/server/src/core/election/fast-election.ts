/**
 * Fast leader election (election-protocol reference, sections 3 to 7; docs/internals/election.md explains it). One object for
 * the life of a server: it also answers those who look for a leader while this server has one. No I/O, no clock: times come
 * in, messages go out, and the same calls give the same messages.
 */
import { decodeNotification, ServerState } from '@headkeeper/protocol';
import type { Membership } from '../membership/membership.ts';
import { Contacts } from './contacts.ts';
import type { ElectionSettings } from './election-settings.ts';
import { Electorate } from './electorate.ts';
import { Electors } from './electors.ts';
import { Franchise } from './franchise.ts';
import { Gossip } from './gossip.ts';
import { Outgoing, type PeerState } from './outgoing.ts';
import { abstention, initialVote, NO_STANDING, type OwnStanding } from './own-standing.ts';
import { Poll } from './poll.ts';
import { RememberedEpochs } from './remembered-epochs.ts';
import { beats, type Candidate, type CastVote, type ElectionVote, identical, NO_HISTORY_ZXID, NOBODY } from './vote.ts';

export type { ElectionSettings, OwnStanding, PeerState };

interface HeardVote {
  readonly vote: CastVote;
  /** The committed configuration of its sender; null when it did not say. */
  readonly config: string | null;
  readonly atMs: number;
}

/**
 * Votes are repeated ever more rarely. Missing connections are opened anew this often all the same, and so often ask those who
 * only watch the others elect. Milliseconds.
 */
const IMPATIENT_MS = 1000;
const NEVER = Number.POSITIVE_INFINITY;
const NONE: ReadonlySet<number> = new Set();

export class FastElection {
  readonly #settings: ElectionSettings;
  readonly #sid: number;
  readonly #contacts = new Contacts();
  readonly #poll: Poll;
  readonly #outgoing = new Outgoing();
  readonly #gossip = new Gossip();
  /** What the others have said of themselves. */
  readonly remembered: RememberedEpochs = new RememberedEpochs();
  #electorate: Electorate | null = null;

  #state: PeerState = 'looking';
  /** The logical clock: counts elections, and is the same for all who take part in one. */
  #round = 0;
  /** What those are told who ask while no election runs here, and non-voters always. */
  #current: ElectionVote;
  #outcome: ElectionVote | null = null;

  /** Whether this server, one of two, may go on alone; null where there is no oracle. */
  #oracle: boolean | null = null;

  /** Whether an election runs here. */
  #running = false;
  #startedAtMs = 0;
  #own: OwnStanding = NO_STANDING;
  #franchise: Franchise;
  #proposal: Candidate = NOBODY;
  #intervalMs = 0;
  #resendAtMs: number = NEVER;
  #finalizeAtMs: number = NEVER;
  /** Whether a voter said, since the last timeout, that it looks for a leader too. */
  #othersLook = false;
  #linksWanted = false;
  #linksAtMs: number = NEVER;
  /** When a leader was last asked because a follower named it. */
  #askedAtMs: number = Number.NEGATIVE_INFINITY;

  /** The last vote of each voter that looked for a leader when it was last heard. */
  readonly #heard = new Map<number, HeardVote>();
  /** Of a non-voter: the candidate that it says yes to. */
  #echoed: CastVote | null = null;
  /** Non-voters that asked during this election. */
  readonly #askers = new Set<number>();
  /** Of this server, once it has won. */
  #electors: Electors | null = null;

  constructor(settings: ElectionSettings) {
    this.#settings = settings;
    this.#sid = settings.sid;
    this.#poll = new Poll(settings.sid, this.#contacts);
    this.#current = { leader: settings.sid, zxid: 0, electionEpoch: 0, peerEpoch: 0 };
    this.#franchise = new Franchise(settings.sid, 'no', 0, settings.finalizeWaitMs);
  }

  /**
   * The committed configuration and the last seen one, which may be the same; also when they change. After a change of members,
   * an election that runs must be started anew (section 9).
   */
  configure(committed: Membership, lastSeen: Membership): void {
    this.#electorate = new Electorate(committed, lastSeen);
    this.#gossip.committed(committed.version);
  }

  /** Configurations older than this one were in force once, and are not believed any more. */
  distrustBefore(version: number): void {
    this.#gossip.committed(version - 1);
  }

  /** Somebody from outside says whether this server, one of two, may go on alone (section 8). */
  heedOracle(grants: boolean): void {
    this.#oracle = grants;
  }

  /** Begins an election in the next round. Throws when no configuration was given yet. */
  start(nowMs: number, own: OwnStanding): void {
    const electorate = this.#electorate;
    if (electorate === null) throw new Error('an election needs a configuration');
    this.#own = own;
    this.#state = 'looking';
    this.#outcome = null;
    this.#running = true;
    this.#startedAtMs = nowMs;
    this.#round++;
    if (this.#round === 1) {
      this.#current = { leader: this.#sid, zxid: own.zxid, electionEpoch: 0, peerEpoch: own.peerEpoch };
    }
    this.#poll.begin();
    this.#askers.clear();
    this.#electors = null;
    this.#contacts.electionBegins();
    this.#echoed = null;
    const votes = own.participant && electorate.isVoter(this.#sid);
    this.#franchise = new Franchise(this.#sid, votes ? own.mayVote : 'no', nowMs, this.#settings.finalizeWaitMs);
    this.#propose(this.#franchise.votes ? this.#initial() : NOBODY);
    this.#othersLook = false;
    this.#intervalMs = this.#settings.minNotificationIntervalMs;
    this.#wantLinks(nowMs);
    for (const [sid, heard] of this.#heard) {
      if (nowMs - heard.atMs > this.#settings.minNotificationIntervalMs) this.#heard.delete(sid);
      else this.#hearGossip(heard.config);
    }
    this.#sendToAll(nowMs);
    this.#replay(nowMs);
    this.#proceed(nowMs);
  }

  /** A notification from another server, without its frame's length. Never throws on what it holds. */
  receive(from: number, payload: Uint8Array, nowMs: number): void {
    const electorate = this.#electorate;
    const message = decodeNotification(payload);
    if (electorate === null || message === null || from === this.#sid) return;
    // A round that cannot be counted on from would stop the clock of everybody who takes it over. Apache's servers that
    // lead or follow by a reconfiguration, which is no election, say -1.
    const firstRound = message.state === ServerState.looking ? 0 : -1;
    if (!Number.isSafeInteger(message.electionEpoch) || message.electionEpoch < firstRound) return;
    const { config } = message;
    if (this.#state === 'looking') this.#hearGossip(config);
    const looking = message.state === ServerState.looking;
    if (!electorate.isVoter(from)) {
      // An answer asks for none: two servers that do not count each other among the voters would go on for ever.
      if (looking) this.#answerNonVoter(from, nowMs);
      return;
    }
    const vote: CastVote = {
      leader: message.leader,
      zxid: message.zxid,
      electionEpoch: message.electionEpoch,
      peerEpoch: message.peerEpoch,
      looking,
      leading: message.state === ServerState.leading,
      version: message.version,
    };
    if (looking && vote.leader === from) this.remembered.says(from, vote.peerEpoch);
    if (looking && electorate.isVoter(vote.leader)) this.#heard.set(from, { vote, config, atMs: nowMs });
    else this.#heard.delete(from);
    if (this.#state !== 'looking') {
      if (!looking) return;
      this.#electors?.heardLooking(from, vote);
      this.#tellCurrent(from, this.#current.electionEpoch);
      return;
    }
    if (!this.#running) return;
    const older = looking && vote.electionEpoch < this.#round && this.#votesHere();
    if (older) this.#tellVote(from, nowMs);
    if (message.state === ServerState.observing) return;
    if (!electorate.isVoter(vote.leader)) {
      if (looking) this.#catchUp(vote.electionEpoch, nowMs);
    } else if (!looking) this.#onSettled(from, vote, nowMs);
    else {
      this.#onLooking(from, vote, nowMs);
      // Our vote may have been lost, or have come while the sender did not look yet: it does not ask twice.
      const same = this.#running && vote.electionEpoch === this.#round && this.#votesHere();
      if (same && !this.#contacts.sentWithin(from, this.#settings.minNotificationIntervalMs, nowMs)) {
        this.#tellVote(from, nowMs);
      }
    }
    if (this.#running) this.#proceed(nowMs);
  }

  /** Does what is due. */
  tick(nowMs: number): void {
    if (!this.#running) return;
    this.#proceed(nowMs);
    if (this.#running && nowMs >= this.#finalizeAtMs) this.#end(this.#proposed());
    if (this.#running && nowMs >= this.#resendAtMs) this.#timeOut(nowMs);
    if (this.#running && nowMs >= this.#linksAtMs) this.#wantLinks(nowMs);
  }

  /** When `tick` should be called, in milliseconds; Infinity when nothing is due. */
  get wakeAtMs(): number {
    if (!this.#running) return NEVER;
    return Math.min(this.#resendAtMs, this.#finalizeAtMs, this.#linksAtMs, this.#franchise.decideAtMs);
  }

  /**
   * An election connection came up (also: was replaced by a new one), or was refused, timed out or broke. Not for one that was
   * closed because the larger id connects back.
   */
  linkChanged(sid: number, up: boolean, nowMs: number): void {
    if (up || this.#electorate?.isVoter(sid) === true) this.#contacts.linkChanged(sid, up);
    else this.#contacts.forget(sid);
    if (!up) {
      this.#poll.lost(sid);
      this.#heard.delete(sid);
      this.#askers.delete(sid);
    }
    this.#electors?.linkChanged(sid);
    if (!this.#running) return;
    if (up && this.#electorate!.isVoter(sid)) this.#tellVote(sid, nowMs);
    this.#proceed(nowMs);
  }

  /** How this election ended; null while it runs. The role changes then. */
  get outcome(): ElectionVote | null {
    return this.#outcome;
  }

  get state(): PeerState {
    return this.#state;
  }

  get round(): number {
    return this.#round;
  }

  /** Whether this server has a vote in the last election, or would have had: not when it was blank among others with history. */
  get hasVoted(): boolean {
    return this.#franchise.votes;
  }

  /** What is told to those who look for a leader while this server has one. */
  get currentVote(): ElectionVote {
    return this.#current;
  }

  /** The role taken, also by a reconfiguration with a designated leader; no election runs afterwards. */
  become(state: PeerState, newEpoch?: number): void {
    this.#state = state;
    this.#running = false;
    // The next election may have to wait for the disk: until it begins there is no outcome.
    if (state === 'looking') this.#outcome = null;
    if (state !== 'leading') this.#electors = null;
    if (newEpoch !== undefined) this.established(newEpoch);
  }

  /** The leader serves, or this learner is up to date: all report the new epoch from now on (section 5.6). */
  established(newEpoch: number): void {
    this.#current = { ...this.#current, peerEpoch: newEpoch };
  }

  /** For a reconfiguration that designates the next leader (section 10). */
  setCurrentVote(vote: ElectionVote): void {
    this.#current = vote;
  }

  /** Messages to send, the newest for each server. */
  takeSends(): { to: number; payload: Uint8Array }[] {
    return this.#outgoing.take();
  }

  /** A newer committed configuration that was learned while looking; null when there is none. */
  takeGossip(): Membership | null {
    return this.#gossip.take();
  }

  /**
   * Whether missing connections to voters should be opened now: at the start of an election, at each timeout, and in between
   * when these get rare. The answer is given once.
   */
  wantsLinks(): boolean {
    const wanted = this.#linksWanted;
    this.#linksWanted = false;
    return wanted;
  }

  /** A server has come to follow this one, which leads. */
  followedBy(sid: number): void {
    this.#electors?.follows(sid);
  }

  /** Whether those that elected this server or follow it, and still stand by it, are no quorum any more. */
  get unwanted(): boolean {
    return this.#electors !== null && !this.#electors.stand(this.#electorate!);
  }

  /** Who looks believes newer configurations; its leader would know better than those who look. */
  #hearGossip(config: string | null): void {
    if (config !== null && this.#settings.reconfigEnabled && config !== this.#electorate!.text)
      this.#gossip.hear(config);
  }

  #initial(): Candidate {
    return initialVote(this.#sid, this.#own, this.#electorate!);
  }

  /** Whether this server's looking counts for the others: it is a voter, though perhaps one without a vote. */
  #votesHere(): boolean {
    return this.#own.participant && this.#electorate!.isVoter(this.#sid);
  }

  #proposed(): CastVote {
    const { leader, zxid, peerEpoch } = this.#proposal;
    return { leader, zxid, electionEpoch: this.#round, peerEpoch, looking: true, leading: false, version: 2 };
  }

  #propose(candidate: Candidate): void {
    this.#proposal = candidate;
    this.#finalizeAtMs = NEVER;
    this.#poll.setOwn(this.#franchise.votes ? this.#proposed() : null);
  }

  /** As `RememberedEpochs.counts`. */
  counts(sid: number, epoch: number, own: number): boolean {
    return this.remembered.counts(sid, epoch, own);
  }

  #beatsProposal(vote: CastVote): boolean {
    if (!this.#electorate!.mayWin(vote.leader) || !beats(vote, this.#proposal)) return false;
    if (!this.counts(vote.leader, vote.peerEpoch, this.#own.peerEpoch)) return false;
    return vote.leader !== this.#sid || this.#canBe(vote);
  }

  /** Whether this server has what a vote for it claims: it may have lost data since it said so. */
  #canBe(vote: Candidate): boolean {
    return this.#franchise.votes && !beats(vote, this.#initial());
  }

  /** A vote of a voter that looks (section 5.4). */
  #onLooking(from: number, vote: CastVote, nowMs: number): void {
    this.#othersLook = true;
    const abstains = vote.zxid === NO_HISTORY_ZXID;
    this.#poll.looks(from, abstains);
    if (vote.zxid > 0 || vote.peerEpoch > 0) this.#meetHistory(nowMs);
    else this.#franchise.blankVoterHeard(from, nowMs);
    // A voter answers a non-voter with what it last elected: nothing that could be counted.
    if (!abstains && !this.#votesHere()) this.#echo(from, vote, nowMs);
    if (abstains || !this.#votesHere() || this.#franchise.waits) return;
    this.#count(from, vote, nowMs);
  }

  /**
   * Who votes for itself and asks a server that knows of no vote of its own may have seen a membership in which it has one, and
   * need it: the server says yes to the best of them. Those who know no better do not count it.
   */
  #echo(from: number, vote: CastVote, nowMs: number): void {
    if (this.#own.mayVote !== 'yes' || vote.leader !== from || !this.#electorate!.mayWin(from)) return;
    const before = this.#echoed;
    if (before !== null && vote.electionEpoch <= before.electionEpoch) {
      if (vote.electionEpoch < before.electionEpoch || !beats(vote, before)) return;
    }
    this.#echoed = vote;
    this.#tellVote(from, nowMs);
    if (before !== null && before.leader !== from) this.#tellVote(before.leader, nowMs);
  }

  /**
   * A voter has nobody to vote for yet: it belongs to the proposed membership alone, and so is no candidate. It waits in its
   * round for one, and hears no earlier votes.
   */
  #catchUp(round: number, nowMs: number): void {
    if (round <= this.#round || !this.#votesHere() || this.#finalizeAtMs !== NEVER) return;
    this.#enterRound(round);
    this.#sendToAll(nowMs);
  }

  #enterRound(round: number): void {
    this.#round = round;
    this.#poll.nextRound();
    this.#propose(this.#franchise.votes ? this.#initial() : NOBODY);
  }

  /** Whether the vote is for this server, and claims more than it has: then its sender will never hear anything that it believes more. */
  #overstates(vote: CastVote): boolean {
    const { zxid, peerEpoch } = this.#own;
    return this.#franchise.votes && vote.leader === this.#sid && beats(vote, { leader: this.#sid, zxid, peerEpoch });
  }

  #count(from: number, vote: CastVote, nowMs: number): void {
    if (vote.electionEpoch < this.#round) return;
    if (this.#overstates(vote) && this.#finalizeAtMs === NEVER && vote.electionEpoch < Number.MAX_SAFE_INTEGER) {
      // What it was is forgotten with the round that it was said in (it cut its log since, as its leader wanted).
      this.#enterRound(vote.electionEpoch + 1);
      this.#sendToAll(nowMs);
      return;
    }
    if (vote.electionEpoch > this.#round) {
      // A quorum that waits for better candidates is not disturbed by a worse one; the vote is kept for later. Unless it is the
      // candidate that has gone on: elected in the old round, it would not know (scenario E16).
      if (this.#finalizeAtMs !== NEVER && !this.#beatsProposal(vote) && from !== this.#proposal.leader) return;
      this.#enterRound(vote.electionEpoch);
      if (this.#beatsProposal(vote)) this.#propose(vote);
      this.#sendToAll(nowMs);
    } else if (this.#beatsProposal(vote)) {
      this.#propose(vote);
      if (this.#franchise.votes) this.#sendToAll(nowMs);
    }
    this.#poll.count(from, vote);
  }

  /** A vote of a server that follows or leads (section 5.4). */
  #onSettled(from: number, vote: CastVote, nowMs: number): void {
    const electorate = this.#electorate!;
    this.#contacts.unsent(from);
    // Blank voters that have just elected one of them have no history yet; once it leads they name its epoch.
    if (vote.zxid > 0 || vote.peerEpoch > 0) this.#meetHistory(nowMs);
    this.#poll.settles(from, vote, this.#round);
    const thisRound = vote.electionEpoch === this.#round;
    // They follow what this server was before it restarted, unless it is this very round.
    if (vote.leader === this.#sid && !(thisRound && this.#canBe(vote))) return;
    const decided = thisRound && this.#poll.decidesInRound(vote, electorate);
    // Where the oracle does not mean this server, it means the other one.
    const isLone = this.#oracle === false && this.#isOneOfTwo() && vote.leading && vote.leader === from;
    if (decided || isLone || this.#poll.decidesOutOfElection(vote, electorate)) this.#end(vote);
    else if (vote.leader !== this.#sid) this.#askLeader(vote.leader, nowMs);
  }

  /**
   * A leader is followed on its own word alone; it gives it to who asks, and may have won by votes that were not sent here.
   * Rarely: two servers that each take the other for the leader answer at once, and mean nothing by it.
   */
  #askLeader(leader: number, nowMs: number): void {
    const { minNotificationIntervalMs } = this.#settings;
    if (nowMs - this.#askedAtMs < minNotificationIntervalMs || this.#poll.leads(leader)) return;
    if (this.#contacts.sentWithin(leader, minNotificationIntervalMs, nowMs)) return;
    this.#askedAtMs = nowMs;
    this.#tellVote(leader, nowMs);
  }

  /** Ends the election when its proposal has won, now or after the wait; lets a blank voter vote. */
  #proceed(nowMs: number): void {
    if (this.#franchise.reconsider(this.#electorate!, (sid) => this.#contacts.isUp(sid), nowMs)) {
      this.#propose(this.#initial());
      this.#sendToAll(nowMs);
      this.#replay(nowMs);
    }
    const electorate = this.#electorate!;
    const candidate = this.#proposed();
    const elects = this.#votesHere() && electorate.isVoter(candidate.leader);
    const supporters = elects ? this.#poll.supporters(candidate) : NONE;
    if (!electorate.isQuorum((sid) => supporters.has(sid))) {
      this.#finalizeAtMs = NEVER;
    } else if (this.#poll.allSpoke(candidate, supporters, electorate)) {
      this.#end(candidate);
    } else if (this.#finalizeAtMs === NEVER) {
      this.#finalizeAtMs = nowMs + this.#settings.finalizeWaitMs;
    }
  }

  #end(vote: ElectionVote): void {
    const { leader, zxid, electionEpoch, peerEpoch } = vote;
    this.#outcome = { leader, zxid, electionEpoch, peerEpoch };
    this.#current = this.#outcome;
    if (electionEpoch >= 0) this.#round = electionEpoch;
    this.#running = false;
    this.#state = leader === this.#sid ? 'leading' : this.#own.participant ? 'following' : 'observing';
    if (this.#state === 'leading') {
      this.#electors = new Electors(this.#outcome, this.#poll.ownElectors(this.#electorate!));
    }
    // Those who voted otherwise, or must not vote, need not ask again.
    for (const [sid, heard] of this.#heard) {
      if (heard.atMs >= this.#startedAtMs && !identical(heard.vote, vote)) this.#tellCurrent(sid, electionEpoch);
    }
    for (const sid of this.#askers) this.#tellCurrent(sid, electionEpoch);
    this.#askers.clear();
    if (this.#state === 'leading' && this.#electorate!.isChanging) this.#tellVictory(electionEpoch);
  }

  /** Who knows of other members may have said yes to the winner alone: the others cannot count what they were not told. */
  #tellVictory(round: number): void {
    for (const sid of this.#electorate!.voters) if (sid !== this.#sid) this.#tellCurrent(sid, round);
  }

  /** Nothing has ended the election within the interval. */
  #timeOut(nowMs: number): void {
    // Some members may not have heard of the leader's epoch yet, or never noted it (ZOOKEEPER-1732, ZOOKEEPER-1805).
    const known = this.#poll.knownLeader(this.#electorate!);
    if (known !== null) {
      this.#end(known);
      return;
    }
    if (this.#oracle === true && this.#isOneOfTwo() && this.#votesHere() && this.#franchise.votes) {
      this.#end(this.#proposed());
      return;
    }
    this.#wantLinks(nowMs);
    // Apache's voters do not tell one who has no vote that they have elected.
    const patient = this.#franchise.votes || !this.#othersLook;
    const longest = this.#settings.maxNotificationIntervalMs;
    this.#intervalMs = Math.min(this.#intervalMs * 2, patient ? longest : Math.min(longest, IMPATIENT_MS));
    this.#othersLook = false;
    this.#sendToAll(nowMs);
  }

  /** Whether there are two voters: neither is a quorum, so that without the other each needs the oracle. */
  #isOneOfTwo(): boolean {
    return this.#electorate!.voters.length === 2;
  }

  #wantLinks(nowMs: number): void {
    this.#linksWanted = true;
    this.#linksAtMs = nowMs + IMPATIENT_MS;
  }

  /** Counts what voters said before this server looked, or before it might vote. */
  #replay(nowMs: number): void {
    for (const [sid, heard] of [...this.#heard])
      if (this.#electorate!.isVoter(sid)) this.#onLooking(sid, heard.vote, nowMs);
  }

  /** A voter has history: if this server has none, it only watches from now on. */
  #meetHistory(nowMs: number): void {
    if (!this.#franchise.historyHeard()) return;
    this.#propose(NOBODY);
    this.#sendToAll(nowMs);
    this.#replay(nowMs);
  }

  #answerNonVoter(from: number, nowMs: number): void {
    if (this.#state === 'looking') {
      if (this.#running) this.#askers.add(from);
      // Apache's observers ask again at once when an answer has a round smaller than their own.
      if (this.#contacts.sentWithin(from, this.#settings.minNotificationIntervalMs, nowMs)) return;
      this.#contacts.sent(from, nowMs);
    }
    this.#tellCurrent(from, this.#round);
  }

  #sendToAll(nowMs: number): void {
    this.#resendAtMs = nowMs + this.#intervalMs;
    for (const sid of this.#electorate!.voters) if (sid !== this.#sid) this.#tellVote(sid, nowMs);
  }

  #tellVote(to: number, nowMs: number): void {
    this.#contacts.sent(to, nowMs);
    const electorate = this.#electorate!;
    const echo = this.#echoed?.leader === to ? this.#echoed : null;
    const own = this.#franchise.votes ? this.#proposal : abstention(this.#sid, this.#own, electorate);
    this.#outgoing.put(to, this.#state, echo ?? own, echo?.electionEpoch ?? this.#round, electorate.text);
  }

  #tellCurrent(to: number, round: number): void {
    this.#outgoing.put(to, this.#state, this.#current, round, this.#electorate!.text);
  }
}
