import { OpCode } from '@headkeeper/protocol';
import {
  type AssembledServer,
  asideSnapshotName,
  createWaitingRoom,
  Database,
  RecoveredState,
  SnapshotDecoder,
  SnapshotWriter,
} from '@headkeeper/server/internal';
import type { RandomStream } from '@headkeeper/testkit';
import { txnHash } from '../check/history.ts';
import { appliedZxid, roleOf } from '../check/node-view.ts';
import type { Cluster } from '../cluster.ts';
import type { SimNode } from '../node/sim-node.ts';
import { EventKind } from '../world/event-queue.ts';
import { MS } from '../world/world.ts';

const TWO_32 = 4294967296;
const LONGEST_RECORD = 4 << 20;
/** Snapshots of a serving tree are counted from 1 on, and marks of theirs must not be taken for those of these. */
const FIRST_NUMBER = 0x7fffffff;
const TXN_BYTES = 36;
const EPOCHS_AHEAD = 3;

/**
 * Restores a leader's state while it serves, and lets it begin later epochs, in the middle of everything else. What is put in
 * the place of the state is that state, one zxid further: for the laws a txn that changes nothing, which the leader has and
 * its ensemble accepts or loses as it would any other.
 */
export class Restorer {
  readonly #cluster: Cluster;
  readonly #random: RandomStream;
  #number = FIRST_NUMBER;
  #isStopped = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#random = cluster.world.stream('restores');
  }

  start(): void {
    const meanMs = this.#cluster.plan.restoreMs;
    if (meanMs === 0) return;
    this.#cluster.world.after(this.#random.wait(meanMs) * MS, EventKind.fault, 0, () => {
      if (this.#isStopped) return;
      const leaders = this.#cluster.servers.filter(({ node }) => roleOf(node) === 'leading' && !node.isPaused);
      if (leaders.length > 0) {
        const { node } = this.#random.pick(leaders);
        if (this.#random.below(4) > 0) this.#restore(node);
        else if (node.server?.replica.member) this.#raiseEpoch(node);
      }
      this.start();
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  #raiseEpoch(node: SimNode): void {
    const current = node.server?.replica.member?.stage.epochs.current ?? 0;
    const least = current + this.#random.between(1, EPOCHS_AHEAD);
    this.#cluster.world.tell(() => `server ${node.sid} is to lead in epoch ${least}`);
    node.dispatch(() => node.server?.driver.raiseEpoch(least));
  }

  #restore(node: SimNode): void {
    const { server } = node;
    if (server === null || !this.#isAtRest(server)) return;
    const zxid = appliedZxid(node) + 1;
    node.dispatch(() => this.#replace(node, server, zxid));
  }

  /** Whether all that was proposed is applied, in the present epoch, and nobody else is writing the tree down. */
  #isAtRest({ replica }: AssembledServer): boolean {
    const { serving, pipeline, member, outstanding, mayReplaceState } = replica;
    const { running, receiving } = pipeline.snapshots;
    if (!mayReplaceState || outstanding > 0 || running || receiving) return false;
    if (member === null) return true;
    const isOfEpoch = Math.floor(serving.lastZxid / TWO_32) === member.stage.epochs.current;
    return isOfEpoch && member.role.feeding.length === 0;
  }

  #replace(node: SimNode, server: AssembledServer, zxid: number): void {
    const { counts, history, world } = this.#cluster;
    const { disk } = node;
    const { dataDir, driver } = server;
    const room = createWaitingRoom(disk, dataDir.snapshotFolder);
    const bytes = this.#snapshot(server, zxid);
    try {
      room.clear(zxid);
      const file = disk.createSync(`${room.snapshotFolder}/${asideSnapshotName(zxid)}`);
      file.writeSync(bytes, 0, bytes.length, 0);
      file.dataSyncSync();
      file.closeSync();
    } catch (error) {
      // What is written aside is nobody's yet: the operator is told that it failed, and the server goes on.
      if (disk.crashed || !node.diskHasFailed) throw error;
      world.tell(() => `server ${node.sid} cannot write the state aside: ${error}`);
      return;
    }
    const database = decode(server, bytes, zxid);
    const install = (): Database => {
      const txn = changeNothing(zxid);
      history.keep({ zxid, hash: txnHash(txn, 0, txn.length), bytes: txn, before: zxid - 1 });
      dataDir.history.beginInstall(zxid);
      room.release(zxid);
      dataDir.history.finishInstall(zxid);
      counts.restores++;
      return database;
    };
    const isAccepted = driver.replaceState(zxid, install);
    world.tell(() => `server ${node.sid} ${isAccepted ? 'restores' : 'does not restore'} 0x${zxid.toString(16)}`);
    if (!isAccepted) room.clear(zxid);
  }

  #snapshot({ replica }: AssembledServer, zxid: number): Uint8Array {
    const { tree, sessions, settings } = replica.serving;
    const writer = new SnapshotWriter(tree, sessions, zxid, this.#number--, {
      digest: settings.digestEnabled,
      lastProcessedZxid: settings.serializeLastProcessedZxid,
      forLearner: false,
    });
    const chunks: Uint8Array[] = [];
    for (let goesOn = true; goesOn; ) {
      goesOn = writer.advance(Number.MAX_SAFE_INTEGER);
      for (let chunk = writer.takeChunk(); chunk !== null; chunk = writer.takeChunk()) chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks));
  }
}

function decode({ replica }: AssembledServer, bytes: Uint8Array, zxid: number): Database {
  const state = new RecoveredState(new Database(replica.serving.settings));
  const decoder = new SnapshotDecoder(state, LONGEST_RECORD);
  decoder.push(bytes);
  state.loaded(zxid, decoder.finish().digest);
  state.database.startAt(zxid);
  return state.database;
}

/** The txn that the laws take a restored state for: an error of nobody's request. */
function changeNothing(zxid: number): Uint8Array {
  const bytes = new Uint8Array(TXN_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(12, Math.floor(zxid / TWO_32));
  view.setUint32(16, zxid % TWO_32);
  view.setInt32(28, OpCode.error);
  return bytes;
}
