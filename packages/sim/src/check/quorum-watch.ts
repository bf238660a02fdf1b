import type { Counts } from '../counts.ts';
import type { Conveyance } from '../matrix/phase.ts';
import type { StreamTap } from '../network/stream-tap.ts';
import type { SimNode } from '../node/sim-node.ts';
import type { DurableState } from './durable-state.ts';
import { type History, txnHash } from './history.ts';
import { PacketReader, PacketType, packetText } from './packet-reader.ts';
import { ExcusedLoss, law, zxidText } from './violation.ts';

const TWO_32 = 4294967296;

/** Packets whose zxid is one of the leader's history. */
const REACHES: ReadonlySet<number> = new Set([
  PacketType.diff,
  PacketType.trunc,
  PacketType.snap,
  PacketType.proposal,
  PacketType.inform,
  PacketType.informAndActivate,
]);

/** One end of a stream between servers. */
interface End {
  readonly node: SimNode;
  readonly durable: DurableState;
}

/** What the laws about packets need to know. */
export interface QuorumContext {
  readonly history: History;
  readonly counts: Counts;
  readonly servers: readonly End[];
  readonly now: () => number;
  /** The first word of an established leader leaves it; it may have ended in the same step. */
  readonly established: (sid: number) => void;
  /** A leader says that everything up to a txn is committed; it may have ended in the same step. */
  readonly committed: (sid: number, zxid: number) => void;
  /** Hears what servers say to one another; null when nobody reads. */
  readonly tell: ((line: () => string) => void) | null;
  /** Whether the disks of a quorum have forgotten a txn, and nobody could notice. */
  readonly isExcused: (zxid: number) => boolean;
  /** Whether a quorum of disks has a txn, that of this server aside. */
  readonly isHeldByOthers: (zxid: number, sid: number) => boolean;
  /** Whether the disks of a quorum have forgotten that they accepted an epoch. */
  readonly isEpochExcused: (epoch: number) => boolean;
  /** Hears of what is broken: the server that is writing a packet would take an exception for its own. */
  readonly fail: (error: Error) => void;
}

/** What is known of one connection of a learner to a leader. */
interface Conversation {
  readonly learner: End;
  readonly leader: End;
  /** Hashes of what was proposed to the learner and it has not acknowledged, by zxid. */
  readonly proposed: Map<number, number>;
  /** The last txn that was committed when the learner said what it has. */
  committedBefore: number;
  /** Of what was sent before NEWLEADER: everything that the learner must have on its disk when it acknowledges that. */
  syncedZxid: number;
  /** The last txn of the leader's history that it has heard of: nothing beyond may be on its disk behind NEWLEADER. */
  knownZxid: number;
  hasNewLeader: boolean;
  /** Whether the learner has acknowledged NEWLEADER. */
  isAcknowledged: boolean;
  epoch: number;
}

/** What a learner must have on its disk when it enters an epoch. */
interface Owed {
  readonly epoch: number;
  readonly zxid: number;
}

/**
 * Watches what servers say to one another, at the moment in which it leaves them, and compares it with what is on their disks
 * at that moment: leaders, epochs and acknowledgements.
 */
export class QuorumWatch {
  readonly #context: QuorumContext;
  /** Which term of which process led an epoch. */
  readonly #leaders: Map<number, string> = new Map();
  /** The last txn that was committed when the leader of an epoch first said that it led. */
  readonly #beganWith: Map<number, number> = new Map();
  readonly #established: Set<number> = new Set();
  /** By epoch: learners that had entered it on their disks when they said so, whatever has become of these disks since. */
  readonly #entered: Map<number, Set<number>> = new Map();
  /** By learner: what the last NEWLEADER that was sent to it stands for. */
  readonly #owed: Map<number, Owed> = new Map();
  /** By learner: the last txn of the history that its leader's epoch begins with. */
  readonly #begins: Map<number, number> = new Map();
  readonly #conveyances: Map<number, Conveyance> = new Map();
  /** When a leader first proposed a txn. */
  readonly proposedAt: Map<number, number> = new Map();

  constructor(context: QuorumContext) {
    this.#context = context;
  }

  /** What a learner's leader has last told it. */
  conveyanceOf(sid: number): Conveyance {
    return this.#conveyances.get(sid) ?? 'greeting';
  }

  /** A learner connects to a leader. */
  connection(learner: End, leader: End): { connecting: StreamTap; accepting: StreamTap } {
    const conversation: Conversation = {
      learner,
      leader,
      proposed: new Map(),
      committedBefore: 0,
      syncedZxid: 0,
      knownZxid: 0,
      hasNewLeader: false,
      isAcknowledged: false,
      epoch: 0,
    };
    this.#conveyances.set(learner.node.sid, 'greeting');
    return {
      connecting: this.#tap((packet) => this.#fromLearner(conversation, packet)),
      accepting: this.#tap((packet) => this.#fromLeader(conversation, packet)),
    };
  }

  #fromLeader(conversation: Conversation, packet: PacketReader): void {
    const { counts, tell } = this.#context;
    const { zxid } = packet;
    if (REACHES.has(packet.type)) conversation.knownZxid = Math.max(conversation.knownZxid, zxid);
    tell?.(() => `${conversation.leader.node.sid} to ${conversation.learner.node.sid}: ${packetText(packet)}`);
    switch (packet.type) {
      case PacketType.leaderInfo:
        conversation.epoch = Math.floor(zxid / TWO_32);
        return;
      case PacketType.diff:
        counts.diffs++;
        this.#conveyances.set(conversation.learner.node.sid, 'DIFF');
        conversation.syncedZxid = zxid;
        return;
      case PacketType.trunc:
        counts.truncs++;
        this.#conveyances.set(conversation.learner.node.sid, 'TRUNC');
        conversation.syncedZxid = zxid;
        this.#cut(conversation, zxid);
        return;
      case PacketType.snap:
        counts.snaps++;
        this.#conveyances.set(conversation.learner.node.sid, 'SNAP');
        conversation.syncedZxid = zxid;
        return;
      case PacketType.proposal: {
        const hash = txnHash(packet.bytes, packet.dataStart, packet.dataEnd);
        conversation.proposed.set(zxid, hash);
        if (!this.proposedAt.has(zxid)) this.proposedAt.set(zxid, this.#context.now());
        return;
      }
      case PacketType.commit:
        if (conversation.hasNewLeader) this.#context.committed(conversation.leader.node.sid, zxid);
        else conversation.syncedZxid = Math.max(conversation.syncedZxid, zxid);
        return;
      case PacketType.newLeader:
        conversation.hasNewLeader = true;
        this.#owes(conversation);
        this.#newLeader(conversation, Math.floor(zxid / TWO_32));
        return;
      case PacketType.upToDate:
        this.#upToDate(conversation);
        return;
      default:
        return;
    }
  }

  /**
   * Nobody is told to give up what is committed; but what is committed after the learner has said what it has, by others, may be on
   * the way to it again behind the word to cut it. A learner that has gone on to a later epoch has left this leader.
   */
  #cut({ learner: { node, durable }, committedBefore, epoch }: Conversation, zxid: number): void {
    const { history, isExcused, isHeldByOthers } = this.#context;
    const [next] = history.after(zxid);
    if (next === undefined || durable.acceptedEpoch > epoch) return;
    if (isExcused(history.last)) throw new ExcusedLoss(`${zxidText(next)} is to be cut off`);
    const isOther = durable.hashOf(next) !== history.hashOf(next);
    law(isOther || (next > committedBefore && isHeldByOthers(next, node.sid)), 'committed is never cut', () => {
      return `server ${node.sid} is told to cut its log to ${zxidText(zxid)}, ${zxidText(next)} is committed and on its disk`;
    });
  }

  #owes({ learner, syncedZxid, epoch }: Conversation): void {
    this.#begins.set(learner.node.sid, syncedZxid);
    // Who comes back in the same epoch has entered it before.
    if (learner.durable.currentEpoch >= epoch || syncedZxid % TWO_32 === 0) this.#owed.delete(learner.node.sid);
    else this.#owed.set(learner.node.sid, { epoch, zxid: syncedZxid });
  }

  /** A server that serves has applied the history that it was brought to (S22). */
  serves({ node }: End, applied: number): void {
    const begin = this.#begins.get(node.sid) ?? 0;
    law(applied >= begin, 'serving with the history', () => {
      return `server ${node.sid} serves at ${zxidText(applied)}, its leader's history began with ${zxidText(begin)}`;
    });
  }

  /** The server's disk has been replaced. */
  forget(sid: number): void {
    this.#owed.delete(sid);
    this.#begins.delete(sid);
  }

  /** Called whenever a server has acted or ended: who has entered an epoch has the history that it begins with (S02, S06). */
  entered({ node, durable }: End): void {
    const owed = this.#owed.get(node.sid);
    if (owed === undefined || durable.currentEpoch < owed.epoch) return;
    this.#owed.delete(node.sid);
    // A txn of the epoch proves that all before it is there; who came late owes more, but not before he enters.
    const hasBegun = durable.currentEpoch > owed.epoch || Math.floor(durable.last / TWO_32) >= owed.epoch;
    law(hasBegun || durable.reaches(owed.zxid), 'history before epoch', () => {
      return `server ${node.sid} has entered epoch ${owed.epoch} on its disk, which lacks ${zxidText(owed.zxid)}`;
    });
  }

  /** An epoch has one leader, whose disk holds everything that was ever committed. */
  #newLeader({ leader }: Conversation, epoch: number): void {
    const { node, durable } = leader;
    const { history, counts } = this.#context;
    const process = `server ${node.sid}, process ${node.life}`;
    const term = `${process}, term ${node.server?.replica.generation ?? 0}`;
    const known = this.#leaders.get(epoch);
    // What a leader has said in its last step leaves right behind its term.
    if (node.server?.replica.member?.role.name !== 'leading' && known?.startsWith(`${process}, `)) return;
    if (known !== undefined && known !== term && this.#context.isEpochExcused(epoch)) {
      throw new ExcusedLoss(`epoch ${epoch} has been promised twice`);
    }
    law(known === undefined || known === term, 'one leader per epoch', () => {
      return `epoch ${epoch} has ${term}, and had ${known}`;
    });
    if (known !== undefined) return;
    this.#leaders.set(epoch, term);
    counts.elections++;
    const last = this.#lastOwed(epoch);
    this.#beganWith.set(epoch, history.last);
    const isKept = last === 0 || durable.holds(last, history.hashOf(last) ?? 0);
    if (!isKept && this.#context.isExcused(last)) {
      throw new ExcusedLoss(`server ${node.sid} leads in epoch ${epoch} without ${zxidText(last)}`);
    }
    law(isKept, 'committed is never lost', () => {
      return `server ${node.sid} leads in epoch ${epoch} without ${zxidText(last)} on its disk`;
    });
  }

  /**
   * The last txn that a leader must have. One that was stopped before it could say that it leads may say so when others lead in later
   * epochs: it will find nobody, and owes neither their txns nor what they found uncommitted and have committed since.
   */
  #lastOwed(epoch: number): number {
    const { history } = this.#context;
    let last = history.lastBefore(epoch * TWO_32);
    for (const [later, had] of this.#beganWith) if (later > epoch) last = Math.min(last, had);
    return last;
  }

  /** An established leader has a quorum of disks on which its epoch is entered, or was when their servers said so. */
  #upToDate({ leader, epoch }: Conversation): void {
    if (this.#established.has(epoch)) return;
    this.#established.add(epoch);
    this.#context.established(leader.node.sid);
    const { servers } = this.#context;
    const entered = new Set(this.#entered.get(epoch));
    for (const { node, durable } of servers) if (durable.currentEpoch >= epoch) entered.add(node.sid);
    const membership = leader.node.server?.replica.member?.stage.committed;
    law(membership?.isQuorum(entered) === true, 'established by a quorum', () => {
      const who = [...entered].join(' ');
      return `server ${leader.node.sid} is established in epoch ${epoch}, which the disks of ${who} have entered`;
    });
  }

  #fromLearner(conversation: Conversation, packet: PacketReader): void {
    const { node, durable } = conversation.learner;
    const { zxid } = packet;
    const { counts, tell } = this.#context;
    tell?.(() => {
      const has = `its disk ends with ${zxidText(durable.last)} in epoch ${durable.currentEpoch}`;
      return `${node.sid} to ${conversation.leader.node.sid}: ${packetText(packet)} (${has})`;
    });
    if (packet.type === PacketType.ackEpoch) {
      counts.ackChecks++;
      conversation.committedBefore = this.#context.history.last;
      law(durable.acceptedEpoch >= conversation.epoch, 'honest acknowledgement', () => {
        return `server ${node.sid} accepts epoch ${conversation.epoch}, its disk says ${durable.acceptedEpoch}`;
      });
      law(zxid % TWO_32 === 0 || durable.reaches(zxid), 'honest acknowledgement', () => {
        return `server ${node.sid} says that its log ends with ${zxidText(zxid)}, its disk has ${zxidText(durable.last)}`;
      });
      return;
    }
    if (packet.type !== PacketType.ack) return;
    counts.ackChecks++;
    if (zxid % TWO_32 === 0) {
      conversation.isAcknowledged = true;
      this.#conveyances.set(node.sid, 'acknowledged');
      const epoch = zxid / TWO_32;
      law(durable.currentEpoch >= epoch, 'honest acknowledgement', () => {
        return `server ${node.sid} acknowledges NEWLEADER of ${epoch}, its disk says ${durable.currentEpoch}`;
      });
      const entered = this.#entered.get(epoch) ?? new Set();
      this.#entered.set(epoch, entered.add(node.sid));
      const { syncedZxid, knownZxid } = conversation;
      law(syncedZxid % TWO_32 === 0 || durable.reaches(syncedZxid), 'honest acknowledgement', () => {
        return `server ${node.sid} acknowledges NEWLEADER without ${zxidText(syncedZxid)} on its disk`;
      });
      law(durable.last <= knownZxid, 'what is cut stays cut', () => {
        const last = zxidText(durable.last);
        return `server ${node.sid} acknowledges NEWLEADER; a crash would leave ${last}, its leader's history ends with ${zxidText(knownZxid)}`;
      });
      return;
    }
    law(conversation.isAcknowledged, 'NEWLEADER is acknowledged first', () => {
      return `server ${node.sid} acknowledges ${zxidText(zxid)} before NEWLEADER (S03)`;
    });
    law(conversation.proposed.has(zxid), 'honest acknowledgement', () => {
      return `server ${node.sid} acknowledges ${zxidText(zxid)}, which was not proposed to it, or has been acknowledged`;
    });
    // One word may stand for many txns: each is looked at once.
    for (const [proposed, hash] of conversation.proposed) {
      if (proposed > zxid) break;
      conversation.proposed.delete(proposed);
      law(durable.holds(proposed, hash), 'honest acknowledgement', () => {
        return `server ${node.sid} acknowledges ${zxidText(proposed)}, which is not on its disk as it was proposed`;
      });
    }
  }

  #tap(packet: (reader: PacketReader) => void): StreamTap {
    const reader = new PacketReader();
    return {
      written: (bytes, start, end) => {
        reader.push(bytes, start, end);
        try {
          while (reader.next()) packet(reader);
        } catch (error) {
          this.#context.fail(error as Error);
        }
      },
      closed: () => {},
    };
  }
}
