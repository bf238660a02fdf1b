import type { Counts } from '../counts.ts';
import type { StreamTap } from '../network/stream-tap.ts';
import type { SimNode } from '../node/sim-node.ts';
import type { DurableState } from './durable-state.ts';
import { type History, txnHash } from './history.ts';
import { PacketReader, PacketType } from './packet-reader.ts';
import { law, zxidText } from './violation.ts';

const TWO_32 = 4294967296;

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
  /** Hears of what is broken: the server that is writing a packet would take an exception for its own. */
  readonly fail: (error: Error) => void;
}

/** What is known of one connection of a learner to a leader. */
interface Conversation {
  readonly learner: End;
  readonly leader: End;
  /** Hashes of what was proposed to the learner and it has not acknowledged, by zxid. */
  readonly proposed: Map<number, number>;
  /** Of what was sent before NEWLEADER: everything that the learner must have on its disk when it acknowledges that. */
  syncedZxid: number;
  hasNewLeader: boolean;
  epoch: number;
}

/**
 * Watches what servers say to one another, at the moment in which it leaves them, and compares it with what is on their disks
 * at that moment: leaders, epochs and acknowledgements.
 */
export class QuorumWatch {
  readonly #context: QuorumContext;
  /** Which term of which process led an epoch. */
  readonly #leaders: Map<number, string> = new Map();
  readonly #established: Set<number> = new Set();
  /** When a leader first proposed a txn. */
  readonly proposedAt: Map<number, number> = new Map();

  constructor(context: QuorumContext) {
    this.#context = context;
  }

  /** A learner connects to a leader. */
  connection(learner: End, leader: End): { connecting: StreamTap; accepting: StreamTap } {
    const conversation: Conversation = {
      learner,
      leader,
      proposed: new Map(),
      syncedZxid: 0,
      hasNewLeader: false,
      epoch: 0,
    };
    return {
      connecting: this.#tap((packet) => this.#fromLearner(conversation, packet)),
      accepting: this.#tap((packet) => this.#fromLeader(conversation, packet)),
    };
  }

  #fromLeader(conversation: Conversation, packet: PacketReader): void {
    const { counts } = this.#context;
    const { zxid } = packet;
    switch (packet.type) {
      case PacketType.leaderInfo:
        conversation.epoch = Math.floor(zxid / TWO_32);
        return;
      case PacketType.diff:
        counts.diffs++;
        return;
      case PacketType.trunc:
        counts.truncs++;
        conversation.syncedZxid = zxid;
        return;
      case PacketType.snap:
        counts.snaps++;
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
        this.#newLeader(conversation, Math.floor(zxid / TWO_32));
        return;
      case PacketType.upToDate:
        this.#upToDate(conversation);
        return;
      default:
        return;
    }
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
    law(known === undefined || known === term, 'one leader per epoch', () => {
      return `epoch ${epoch} has ${term}, and had ${known}`;
    });
    if (known !== undefined) return;
    this.#leaders.set(epoch, term);
    counts.elections++;
    const { last } = history;
    law(last === 0 || durable.holds(last, history.hashOf(last) ?? 0), 'committed is never lost', () => {
      return `server ${node.sid} leads in epoch ${epoch} without ${zxidText(last)} on its disk`;
    });
  }

  /** An established leader has a quorum of disks on which its epoch is entered. */
  #upToDate({ leader, epoch }: Conversation): void {
    if (this.#established.has(epoch)) return;
    this.#established.add(epoch);
    this.#context.established(leader.node.sid);
    const { servers } = this.#context;
    const entered = new Set<number>();
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
    const { counts } = this.#context;
    if (packet.type === PacketType.ackEpoch) {
      counts.ackChecks++;
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
      const epoch = zxid / TWO_32;
      law(durable.currentEpoch >= epoch, 'honest acknowledgement', () => {
        return `server ${node.sid} acknowledges NEWLEADER of ${epoch}, its disk says ${durable.currentEpoch}`;
      });
      const { syncedZxid } = conversation;
      law(syncedZxid % TWO_32 === 0 || durable.reaches(syncedZxid), 'honest acknowledgement', () => {
        return `server ${node.sid} acknowledges NEWLEADER without ${zxidText(syncedZxid)} on its disk`;
      });
      return;
    }
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
