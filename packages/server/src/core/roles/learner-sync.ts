import { QuorumPacketType, writePacket } from '@headkeeper/protocol';
import type { LogRecords } from '../../ports.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Stage } from '../stage.ts';
import type { SnapshotWriter } from '../tree/snapshot-writer.ts';
import type { LearnerHandler, LearnerStage } from '../zab/learner-handler.ts';
import { planSync } from '../zab/sync-plan.ts';

/** The leader, as its synchronisations see it. */
export interface LearnerSyncOwner {
  handlers(): Iterable<LearnerHandler>;
  /** The last txn committed. */
  committed(): number;
  /** The learner has been sent the whole history. */
  newLeader(handler: LearnerHandler): void;
  drop(handler: LearnerHandler, reason: string): void;
}

/** Brings learners to the leader's history: by txns from memory or from the disk, or by the whole state. */
export class LearnerSync {
  readonly #stage: Stage;
  readonly #pipeline: Pipeline;
  readonly #owner: LearnerSyncOwner;
  #feed: SnapshotWriter | null = null;
  #feeding: LearnerHandler[] = [];
  /** Learners that have got all that is durable here of the log, while the txns in memory begin later. */
  readonly #waitingForDisk: Set<LearnerHandler> = new Set();
  /** The log on the disk was seen to end before the txns in memory begin: its disk is damaged, and who comes next gets the whole state. */
  #isLogShort = false;

  constructor(stage: Stage, owner: LearnerSyncOwner) {
    this.#stage = stage;
    this.#pipeline = stage.pipeline;
    this.#owner = owner;
  }

  /** Links to which the state is being sent. */
  get feeding(): readonly number[] {
    return this.#feed === null ? [] : this.#feeding.map((handler) => handler.link.id);
  }

  /** What changes have forced out of the state being sent goes into the links. */
  flush(): void {
    if (this.#feed !== null) this.#sendChunks(this.#feed);
  }

  /** A learner is gone. */
  gone(handler: LearnerHandler): void {
    this.#waitingForDisk.delete(handler);
    this.#feeding = this.#feeding.filter((other) => other !== handler);
    if (this.#feed === null || this.#feeding.length > 0) return;
    this.#endFeed();
    this.beginFeed();
  }

  /** Chooses how, and begins. */
  synchronise(handler: LearnerHandler): void {
    const { recent, logGapZxid } = this.#pipeline.serving.database;
    const { settings } = this.#stage;
    const diskLeads = (zxid: number): boolean =>
      settings.snapshotSizeFactor >= 0 && !this.#isLogShort && zxid >= logGapZxid;
    const { out } = handler.link;
    const plan = settings.forceSnapshotSync
      ? ({ kind: 'snap' } as const)
      : planSync(handler.peerZxid, recent, diskLeads);
    if (plan.kind !== 'snap') this.#stage.statistics.diffsTogether.add(this.#count('newLeader', 'disk') + 1);
    switch (plan.kind) {
      case 'diff':
        writePacket(out, QuorumPacketType.diff, recent.last);
        this.#stage.statistics.diffSyncs++;
        this.#stage.noteOfPeer(`${handler.name}: DIFF from 0x${handler.peerZxid.toString(16)}`);
        handler.history(out, recent, plan.from);
        this.#owner.newLeader(handler);
        return;
      case 'trunc':
        this.#stage.statistics.truncSyncs++;
        writePacket(out, QuorumPacketType.trunc, plan.to);
        this.#stage.noteOfPeer(
          `${handler.name}: TRUNC from 0x${handler.peerZxid.toString(16)} to 0x${plan.to.toString(16)}`,
        );
        handler.history(out, recent, plan.to);
        this.#owner.newLeader(handler);
        return;
      case 'disk':
        handler.stage = 'disk';
        handler.diskZxid = plan.from;
        this.#stage.logWanted.push({ link: handler.link.id, afterZxid: plan.from });
        return;
      case 'snap':
        handler.stage = 'waiting';
        this.beginFeed();
        return;
    }
  }

  #count(one: LearnerStage, other: LearnerStage): number {
    let count = 0;
    for (const { stage } of this.#owner.handlers()) if (stage === one || stage === other) count++;
    return count;
  }

  /** Txns out of the log on the disk; null: it does not lead there, or at too great length. */
  logChunk(handler: LearnerHandler, chunk: LogRecords | null): void {
    if (handler.stage !== 'disk') return;
    const { link } = handler;
    const { recent } = this.#pipeline.serving.database;
    const { out } = link;
    const isFirst = handler.diskZxid === handler.peerZxid;
    link.lastHeardMs = this.#stage.nowMs;
    if (chunk === null) {
      if (!isFirst) {
        this.#isLogShort = true;
        this.#owner.drop(handler, 'the log on the disk has come to an end before the txns in memory begin');
        return;
      }
      handler.stage = 'waiting';
      this.beginFeed();
      return;
    }
    if (isFirst) {
      writePacket(out, QuorumPacketType.diff, recent.last);
      this.#stage.statistics.diffSyncs++;
      this.#stage.noteOfPeer(`${handler.name}: DIFF from the disk from 0x${handler.peerZxid.toString(16)}`);
    }
    for (let i = 0; i < chunk.count; i++) {
      const zxid = chunk.zxids[i];
      if (zxid <= handler.diskZxid) continue;
      if (zxid > this.#owner.committed()) break;
      handler.committed(out, zxid, chunk.memory, chunk.starts[i], chunk.ends[i]);
      handler.diskZxid = zxid;
    }
    this.#stage.send(link);
    if (recent.knows(handler.diskZxid)) {
      handler.history(out, recent, handler.diskZxid);
      this.#owner.newLeader(handler);
    } else this.#readOn(handler);
  }

  /** The log is asked for what follows once there is something: a quorum of others can commit far ahead of this disk. */
  #readOn(handler: LearnerHandler): void {
    if (this.#pipeline.durableZxid <= handler.diskZxid) this.#waitingForDisk.add(handler);
    else this.#stage.logWanted.push({ link: handler.link.id, afterZxid: handler.diskZxid });
  }

  /** More of the log is durable. */
  durable(): void {
    if (this.#waitingForDisk.size === 0) return;
    const waiting = [...this.#waitingForDisk];
    this.#waitingForDisk.clear();
    for (const handler of waiting) this.#readOn(handler);
  }

  /** Begins to send the state to all who wait for it; a snapshot that has given way to others before comes first. */
  beginFeed(): void {
    if (this.#feed !== null) return;
    const waiting = [...this.#owner.handlers()].filter((handler) => handler.stage === 'waiting');
    if (waiting.length === 0) return;
    const feed = this.#pipeline.snapshots.beginFeed();
    if (feed === null) return;
    this.#feed = feed;
    this.#feeding = waiting;
    for (const handler of waiting) {
      handler.stage = 'state';
      this.#stage.statistics.snapSyncs++;
      this.#stage.statistics.snapsTogether.add(this.#count('state', 'state'));
      handler.queue.length = 0;
      writePacket(handler.link.out, QuorumPacketType.snap, feed.zxid);
      this.#stage.noteOfPeer(
        `${handler.name}: SNAP at 0x${feed.zxid.toString(16)} for 0x${handler.peerZxid.toString(16)}`,
      );
      this.#stage.send(handler.link);
    }
  }

  feedSlice(znodes: number): void {
    const feed = this.#feed;
    if (feed === null) return;
    // Silent as they are, they have taken what came before: more is only asked for then (known failure O10).
    for (const { link } of this.#feeding) link.lastHeardMs = this.#stage.nowMs;
    const goesOn = feed.advance(znodes);
    this.#sendChunks(feed);
    if (goesOn) return;
    const fed = this.#feeding;
    this.#endFeed();
    for (const handler of fed) {
      const { out } = handler.link;
      out.raw(handler.queue.bytes, 0, handler.queue.length);
      handler.queue.replaceMemory(256);
      this.#owner.newLeader(handler);
    }
    this.beginFeed();
  }

  /** Also called when changes have forced parts of the state out. */
  #sendChunks(feed: SnapshotWriter): void {
    for (let chunk = feed.takeChunk(); chunk !== null; chunk = feed.takeChunk()) {
      for (const { link } of this.#feeding) {
        link.out.raw(chunk, 0, chunk.length);
        this.#stage.send(link);
      }
      feed.giveBack(chunk);
    }
  }

  #endFeed(): void {
    this.#feed = null;
    this.#feeding = [];
    this.#pipeline.snapshots.endFeed();
  }
}
