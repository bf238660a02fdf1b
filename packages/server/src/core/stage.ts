import type { Endpoint, Epochs } from '../ports.ts';
import type { Clients } from './clients.ts';
import type { Database } from './database.ts';
import type { FastElection } from './election/fast-election.ts';
import type { EnsembleSettings } from './ensemble-settings.ts';
import { EnsembleStatistics } from './ensemble-statistics.ts';
import { invariant } from './invariants.ts';
import type { Membership } from './membership/membership.ts';
import { PeerLink, type PeerLinkKind } from './peer-link.ts';
import type { Pipeline } from './pipeline.ts';
import type { ConnectOrder, MembershipChange, StorageOrder } from './ready.ts';
import type { CoreSettings } from './settings.ts';
import { LaterPromises } from './zab/later-promises.ts';
import { TreeDoubt } from './zab/tree-doubt.ts';

/**
 * What the roles of an ensemble's server share and what outlives each of them: epochs, memberships, links, the pipeline;
 * and the effects that they leave for the driver.
 */
export class Stage {
  readonly settings: EnsembleSettings;
  readonly core: CoreSettings;
  readonly pipeline: Pipeline;
  readonly clients: Clients;
  readonly election: FastElection;
  /** As promised; on the disk before anything that rests on them leaves. */
  epochs: Epochs;
  committed: Membership;
  lastSeen: Membership;
  readonly statistics: EnsembleStatistics = new EnsembleStatistics();
  readonly links: Map<number, PeerLink> = new Map();
  /** Monotonic milliseconds of the event being handled. */
  nowMs = 0;
  /** Counts the roles that this process has had; completions of an earlier one are dropped. */
  generation = 0;
  /** Why the present role ends, or null while it goes on. */
  lookReason: string | null = null;
  /** Set by a reconfiguration that names the next leader: no election is held. */
  designated: number | null = null;
  /** What the oracle says: whether this server, one of two, may go on alone; null where there is none. */
  oracle: boolean | null = null;
  /** For whom this server votes in the election that follows on its own leading; null: by the ordinary order. */
  successor: number | null = null;
  /** A successor that is not elected after that many milliseconds is not waited for. */
  successorMs = 0;
  /** Whether links of the role that ends carry what was written into them: learners must hear how it ended. */
  finishesLinks = false;
  /** Whether this server must be synchronised before it votes: its disk was found damaged. */
  rebuilding: boolean;
  /** The next epoch that this server begins as a leader is this one, or a later one. */
  leastEpoch = 0;
  /**
   * A leader told this server to cut its log to where it cannot: while its current epoch is this one, it asks for the whole
   * state each leader that would have its log cut.
   */
  wholeWantedIn = -1;
  readonly doubt: TreeDoubt = new TreeDoubt();
  readonly promises: LaterPromises = new LaterPromises();

  // Effects, taken by `Replica.takeReady`.
  hardState: Epochs | null = null;
  storage: StorageOrder | null = null;
  /** Storage orders that have not been carried out. */
  storageBusy = 0;
  connect: ConnectOrder | null = null;
  dirtyLinks: PeerLink[] = [];
  closingLinks: number[] = [];
  /** Links whose learners wait for txns from the disk, behind a zxid. */
  logWanted: { link: number; afterZxid: number }[] = [];
  membershipChange: MembershipChange | null = null;
  synced = false;
  readonly messages: string[] = [];
  readonly peerMessages: string[] = [];

  constructor(
    settings: EnsembleSettings,
    core: CoreSettings,
    pipeline: Pipeline,
    election: FastElection,
    epochs: Epochs,
    rebuilding: boolean,
  ) {
    this.settings = settings;
    this.core = core;
    this.pipeline = pipeline;
    this.clients = pipeline.clients;
    this.election = election;
    this.epochs = epochs;
    this.rebuilding = rebuilding;
    this.committed = settings.membership;
    this.lastSeen = settings.lastSeen;
    pipeline.onDigest = (agrees, zxid) => this.doubt.compared(agrees, zxid);
    pipeline.serving.admission.voters = () => this.committed.voters.size;
  }

  get sid(): number {
    return this.settings.sid;
  }

  /** Whether votes of this server count. */
  get isVoter(): boolean {
    return this.committed.isVoter(this.settings.sid);
  }

  /**
   * Whether it takes part as an observer: by the membership, or by its own configuration as long as that is all it knows. Who
   * is not listed, because it joins or was removed, follows without a vote (quorum-protocol reference, 13.4 and 13.8).
   */
  get isObserver(): boolean {
    const member = this.committed.members.get(this.settings.sid);
    if (member !== undefined) return member.role === 'observer';
    return this.settings.observer && this.committed === this.settings.membership;
  }

  /**
   * The least epoch in which this server follows a leader. What an observer has promised counts for nothing, it only never goes
   * back behind what it has shown; if it becomes a voter it connects anew.
   */
  get leastToFollow(): number {
    return this.isObserver ? this.epochs.current : this.epochs.accepted;
  }

  /** Every membership in force: what is decided needs a quorum of each. */
  get memberships(): readonly Membership[] {
    return this.lastSeen.version > this.committed.version ? [this.committed, this.lastSeen] : [this.committed];
  }

  /** Whether the servers are a quorum of every membership in force. */
  isQuorum(servers: ReadonlySet<number>): boolean {
    return this.memberships.every((membership) => membership.isQuorum(servers));
  }

  /**
   * Whether this server may have lost what it acknowledged: its disk was damaged, or is blank while others have history. The
   * leader must find the last history without it.
   */
  get mayHaveForgotten(): boolean {
    const { rebuilding, epochs, election } = this;
    const isBlank = this.pipeline.appendedZxid === 0 && epochs.current === 0;
    return rebuilding || (isBlank && !election.hasVoted);
  }

  get wantsWhole(): boolean {
    return this.wholeWantedIn === this.epochs.current || this.doubt.isTreeWrong;
  }

  /** A whole state from a leader has taken the place of this server's. */
  replaced(): void {
    this.wholeWantedIn = -1;
    this.doubt.replaced();
  }

  /** The role ends with this event. The first reason counts. */
  look(reason: string): void {
    this.lookReason ??= reason;
  }

  /** The role ends, after what is in its links has left: `leader` leads then, or whoever is elected if that is null. */
  handOver(reason: string, leader: number | null): void {
    this.finishesLinks = true;
    this.designated = leader;
    this.look(reason);
  }

  /** In the election that follows on this role, server `sid` gets this server's vote for that many milliseconds. */
  voteFor(sid: number, patienceMs: number): void {
    this.successor = sid;
    this.successorMs = patienceMs;
  }

  note(message: string): void {
    this.messages.push(message);
  }

  /** Something that a peer has brought about: whoever reaches the quorum port can make any number of these. */
  noteOfPeer(message: string): void {
    this.peerMessages.push(message);
  }

  /** Promises an epoch: no leader of an earlier one is helped any more (law 27). */
  acceptEpoch(epoch: number): void {
    invariant(epoch >= this.epochs.accepted, 'an accepted epoch never goes back');
    this.epochs = { accepted: epoch, current: this.epochs.current };
    this.hardState = this.epochs;
  }

  /** This server's history is that of the epoch's leader, and on its disk (law 28). */
  enterEpoch(epoch: number): void {
    invariant(epoch >= this.epochs.current, 'the current epoch never goes back');
    invariant(epoch <= this.epochs.accepted, 'an epoch is promised before it is entered');
    this.epochs = { accepted: this.epochs.accepted, current: epoch };
    this.hardState = this.epochs;
  }

  open(id: number, kind: PeerLinkKind, remote: Endpoint): PeerLink {
    const limit = this.core.juteMaxBuffer + this.core.juteMaxBufferExtra;
    const link = new PeerLink(id, kind, `${remote.host}:${remote.port}`, this.nowMs, limit);
    this.links.set(id, link);
    return link;
  }

  /** Orders a change of the recorded history. */
  order(kind: StorageOrder['kind'], zxid: number, reload: boolean): void {
    invariant(this.storage === null, 'one order at a time');
    this.storage = { kind, zxid, reload };
    this.storageBusy++;
  }

  /** What is in `out` leaves at the end of the step. */
  send(link: PeerLink): void {
    if (link.dirty || link.closed) return;
    link.dirty = true;
    if (link.queuedMs === 0) link.queuedMs = this.nowMs;
    this.dirtyLinks.push(link);
  }

  close(link: PeerLink): void {
    if (link.closed) return;
    link.closed = true;
    link.finishes = this.finishesLinks;
    this.links.delete(link.id);
    this.closingLinks.push(link.id);
  }

  /** Another state takes the place of this server's. Clients that have seen the old one must not see the new one. */
  adopt(database: Database): void {
    this.clients.suspend(false);
    if (database.contradictsLeader) this.doubt.overruled();
    this.pipeline.adopt(database, 0);
  }

  /** A membership becomes the last one seen, if it is newer. */
  see(membership: Membership): void {
    if (membership.version <= this.lastSeen.version) return;
    this.lastSeen = membership;
    this.#changed();
  }

  /**
   * The membership last seen was never committed: a leader that a quorum elected does not know it. Where it was committed,
   * every such leader would have it in its history.
   */
  forgetLastSeen(): void {
    if (this.lastSeen === this.committed) return;
    this.lastSeen = this.committed;
    this.#changed();
  }

  /** A membership becomes the committed one, if it is newer. Returns whether anything changed. */
  commit(membership: Membership): boolean {
    if (membership.version <= this.committed.version) return false;
    this.committed = membership;
    if (this.lastSeen.version <= membership.version) this.lastSeen = membership;
    this.#changed();
    return true;
  }

  #changed(): void {
    this.election.configure(this.committed, this.lastSeen);
    this.membershipChange = { committed: this.committed, lastSeen: this.lastSeen };
  }
}
