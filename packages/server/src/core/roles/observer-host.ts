import { counterOf, QuorumPacketType, writePacket } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { LogRecords } from '../../ports.ts';
import { longAt, type PacketHandler, type PeerLink } from '../peer-link.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Proposal } from '../proposals.ts';
import type { Stage } from '../stage.ts';
import { PROTOCOL_VERSION } from '../zab/learner-greeting.ts';
import { LearnerHandler } from '../zab/learner-handler.ts';
import { firstUnnamed } from '../zab/presence.ts';
import type { Forwarding } from './forwarding.ts';
import { LearnerSync } from './learner-sync.ts';

/** A session's id and timeout. */
const SESSION_TOUCH_BYTES = 12;

/**
 * A follower that serves observers in place of the leader (`observerMasterPort`; quorum-protocol reference, 12): it brings
 * them to its own committed history, passes on what is committed, and passes on to the leader what they ask.
 */
export class ObserverHost implements PacketHandler {
  readonly takesRaw = false;
  readonly #stage: Stage;
  readonly #pipeline: Pipeline;
  readonly #forwarding: Forwarding;
  readonly #epoch: number;
  readonly #sync: LearnerSync;
  readonly #handlers: Map<PeerLink, LearnerHandler> = new Map();
  #informed = 0;
  #nextPingMs: number;

  constructor(stage: Stage, forwarding: Forwarding, epoch: number) {
    this.#stage = stage;
    this.#pipeline = stage.pipeline;
    this.#forwarding = forwarding;
    this.#epoch = epoch;
    this.#nextPingMs = stage.nowMs + Math.floor(stage.settings.tickTimeMs / 2);
    this.#sync = new LearnerSync(stage, {
      handlers: () => this.#handlers.values(),
      committed: () => this.#pipeline.serving.lastZxid,
      newLeader: (handler) => this.#newLeader(handler),
      drop: (handler, reason) => this.#drop(handler, reason),
    });
  }

  get wakeAtMs(): number {
    return this.#handlers.size === 0 ? Number.POSITIVE_INFINITY : this.#nextPingMs;
  }

  get feeding(): readonly number[] {
    return this.#sync.feeding;
  }

  /** Observers that are up to date. */
  get hosted(): number {
    let count = 0;
    for (const handler of this.#handlers.values()) if (handler.stage === 'live') count++;
    return count;
  }

  raw(bytes: Uint8Array): number {
    return bytes.length;
  }

  opened(link: PeerLink): void {
    // Who has not said who it is keeps nobody out.
    const silent = this.#handlers.size < limits.learners ? null : firstUnnamed(this.#handlers.values());
    if (silent !== null) this.#drop(silent, 'it has not said who it is, and is one too many');
    if (this.#handlers.size >= limits.learners) this.#stage.close(link);
    else this.#handlers.set(link, new LearnerHandler(link));
  }

  /** Whether the link is an observer's. */
  has(link: PeerLink): boolean {
    return this.#handlers.has(link);
  }

  disconnected(link: PeerLink): void {
    const handler = this.#handlers.get(link);
    if (handler === undefined) return;
    this.#handlers.delete(link);
    this.#forwarding.forget(handler);
    this.#sync.gone(handler);
  }

  wake(): void {
    const { nowMs, settings } = this.#stage;
    if (nowMs < this.#nextPingMs) return;
    this.#nextPingMs = nowMs + Math.floor(settings.tickTimeMs / 2);
    for (const handler of [...this.#handlers.values()]) {
      const ticks = handler.stage === 'live' ? settings.syncLimitTicks : settings.initLimitTicks;
      if (nowMs - handler.link.lastHeardMs > ticks * settings.tickTimeMs)
        this.#drop(handler, 'nothing was heard of it');
      else if (handler.isForwarding) {
        handler.ping(this.#informed);
        this.#stage.send(handler.link);
      }
    }
  }

  /** A txn is about to be applied here: observers may have it, too. */
  commit(proposal: Proposal, designated: number | null): void {
    if (this.#handlers.size === 0) return;
    this.#informed = proposal.zxid;
    this.#stage.statistics.observersCommit.add(this.#stage.nowMs - proposal.arrivedMs);
    for (const handler of this.#handlers.values()) {
      handler.commit(proposal, designated);
      if (handler.isForwarding) this.#stage.send(handler.link);
    }
  }

  flush(): void {
    this.#sync.flush();
    for (const handler of [...this.#handlers.values()]) {
      if (handler.queue.length > limits.learnerQueueBytes) this.#drop(handler, 'too much waits behind its state');
    }
  }

  durable(): void {
    this.#sync.durable();
  }

  snapshotWritten(): void {
    this.#sync.beginFeed();
  }

  feedSlice(znodes: number): void {
    this.#sync.feedSlice(znodes);
  }

  logChunk(link: PeerLink, chunk: LogRecords | null): void {
    const handler = this.#handlers.get(link);
    if (handler !== undefined) this.#sync.logChunk(handler, chunk);
  }

  packet(link: PeerLink): void {
    const handler = this.#handlers.get(link);
    if (handler === undefined) return;
    const { packet } = link;
    if (handler.stage === 'info') this.#info(handler);
    else if (handler.stage === 'epoch') {
      if (packet.type !== QuorumPacketType.ackEpoch)
        this.#drop(handler, `packet of type ${packet.type} instead of its epoch`);
      else {
        handler.peerZxid = packet.zxid;
        this.#sync.synchronise(handler);
      }
    } else this.#steady(handler);
  }

  /** No gates: the epoch is this server's, which has been established. */
  #info(handler: LearnerHandler): void {
    const { link } = handler;
    const { packet } = link;
    if (packet.type !== QuorumPacketType.observerInfo || packet.dataEnd - packet.dataStart < 12) {
      this.#drop(handler, `it begins with a packet of type ${packet.type}: only observers are served here`);
      return;
    }
    const sid = longAt(link.view, packet.dataStart);
    handler.know(sid, this.#stage.statistics.learner(sid));
    handler.isObserver = true;
    handler.stage = 'epoch';
    handler.leaderInfo(this.#epoch, PROTOCOL_VERSION);
    this.#stage.send(link);
  }

  #newLeader(handler: LearnerHandler): void {
    handler.newLeader(this.#epoch, this.#stage.committed);
    this.#stage.send(handler.link);
  }

  #steady(handler: LearnerHandler): void {
    const { link } = handler;
    const { packet } = link;
    switch (packet.type) {
      case QuorumPacketType.ack:
        if (counterOf(packet.zxid) !== 0) this.#drop(handler, 'observers acknowledge no txns');
        else if (handler.stage === 'newLeader') {
          handler.stage = 'live';
          writePacket(link.out, QuorumPacketType.upToDate, -1);
          this.#stage.send(link);
        }
        return;
      case QuorumPacketType.ping:
        this.#touch(link);
        return;
      case QuorumPacketType.request:
        if (handler.stage === 'live' && packet.dataEnd - packet.dataStart >= 16) this.#forwarding.pass(handler);
        return;
      case QuorumPacketType.revalidate:
        if (handler.stage === 'live' && packet.dataEnd - packet.dataStart >= 12)
          this.#forwarding.passRevalidate(handler);
        return;
      default:
        return;
    }
  }

  #touch(link: PeerLink): void {
    const { dataStart, dataEnd } = link.packet;
    for (let at = dataStart; at + SESSION_TOUCH_BYTES <= dataEnd; at += SESSION_TOUCH_BYTES) {
      const session = this.#pipeline.serving.sessions.find(link.view.getInt32(at), link.view.getInt32(at + 4));
      if (session !== null) this.#forwarding.touch(session, link.view.getInt32(at + 8));
    }
  }

  #drop(handler: LearnerHandler, reason: string): void {
    this.#stage.noteOfPeer(`${handler.name} at ${handler.link.address} is dropped: ${reason}`);
    this.#stage.close(handler.link);
    this.disconnected(handler.link);
  }
}
