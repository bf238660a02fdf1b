import { ErrorCode, OpCode, Reader } from '@headkeeper/protocol';
import type { Membership } from '../membership/membership.ts';
import type { WriteOperation } from '../ops/operation.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Stage } from '../stage.ts';
import type { LearnerHandler } from '../zab/learner-handler.ts';

/** Who has a newer membership has so long to be elected: it may first have to see that this server does not lead. */
const YIELDS_MS = 3000;
const NOTHING: Reader = new Reader(new Uint8Array(0));
/** A server that is to lead gets so long to have everything; then an ordinary election is held. */
const TRANSFER_MS = 500;
/** A successor that is not elected by then is not waited for. */
const PATIENCE_MS = 500;
const refused: WriteOperation = { kind: 'write', prepare: () => ErrorCode.unimplemented };

/**
 * The planned end of a leader: another server is to lead, and no client is to lose a write over it. No new txn is made; once
 * those on their way are applied, the leader makes one that changes nothing, an error txn of nobody's request, and gives it
 * to its successor alone. With that in its log the successor wins the election that follows by the ordinary order of votes,
 * on Apache's servers, too. The txn is never committed by this leader: nobody else could be told of it.
 *
 * A leader that is to lead again in a later epoch keeps the txn for itself, and wins for the same reason.
 */
export class LeaderTransfer {
  /** null: this server itself. */
  readonly successor: LearnerHandler | null;
  /** Monotonic milliseconds. */
  readonly endsMs: number;
  /** The last txn, which only leader and successor have; 0 until it is made. */
  zxid = 0;
  /** Whether the successor has the last txn on its disk. */
  isAcknowledged = false;

  private constructor(successor: LearnerHandler | null, stage: Stage) {
    this.successor = successor;
    this.endsMs = stage.nowMs + TRANSFER_MS;
    stage.clients.hold();
  }

  /** Begins to hand over to server `to`, or to whoever is best; null, with a note that says why, when nobody can lead. */
  static begin(stage: Stage, handlers: Iterable<LearnerHandler>, to: number | null): LeaderTransfer | null {
    const { memberships } = stage;
    const successor = memberships.length > 1 ? null : successorAmong(handlers, memberships, to);
    if (successor === null) {
      const who = to === null ? 'no server' : `server ${to}`;
      stage.note(`${who} can take over: it must be a voter that is up to date, and no reconfiguration under way`);
      return null;
    }
    stage.note(`handing over to server ${successor.sid}`);
    return new LeaderTransfer(successor, stage);
  }

  /** Begins a transfer to this server itself, which leads again, in a later epoch. */
  static toItself(stage: Stage): LeaderTransfer {
    return new LeaderTransfer(null, stage);
  }

  /** Goes on as far as it can: nothing may be under way, then the last txn is made, then the role ends. */
  advance(stage: Stage, pendingSyncs: number): void {
    const { proposals, durableZxid } = stage.pipeline;
    if (stage.lookReason !== null) return;
    if (this.zxid > 0) {
      if (durableZxid < this.zxid) return;
      if (this.successor === null) stage.look('it is to lead again, in a later epoch');
      else if (this.isAcknowledged) {
        stage.voteFor(this.successor.sid, PATIENCE_MS);
        stage.handOver(`server ${this.successor.sid} is to lead`, null);
      }
    } else if (proposals.outstanding === 0 && pendingSyncs === 0 && this.isReady) {
      this.#bidFarewell(stage.pipeline, stage.nowMs);
      if (this.successor !== null) stage.send(this.successor.link);
    }
  }

  /** Makes the last txn and gives it to the successor. Nothing is outstanding. */
  #bidFarewell(pipeline: Pipeline, nowMs: number): void {
    const { proposals } = pipeline;
    proposals.propose(refused, OpCode.error, 0, null, null, 0, 0, NOTHING, [], true, ErrorCode.unimplemented);
    const last = proposals.oldest;
    if (last === null || last.buffer === null) return;
    this.zxid = last.zxid;
    this.successor?.proposal(last, nowMs);
  }

  /** Whether the successor is still one, with everything that the leader has. */
  get isReady(): boolean {
    const { successor } = this;
    return successor === null || (successor.stage === 'live' && successor.unackedZxid === 0);
  }
}

/** Nobody follows a leader whose membership is older than his: one who knows the newer one may be elected. */
export function yieldTo(stage: Stage, { sid, isObserver }: LearnerHandler): void {
  if (isObserver || !stage.committed.isVoter(sid)) return;
  stage.voteFor(sid, YIELDS_MS);
  stage.look(`server ${sid} has a newer membership`);
}

/**
 * Whether the leader of `epoch` is to lead again for voter `sid`, which has promised the epoch `accepted`: then its next epoch is
 * beyond that promise.
 */
export function mustGoBeyond(stage: Stage, sid: number, accepted: number, epoch: number): boolean {
  if (!stage.promises.heed(accepted, stage.election.remembered.of(sid), epoch, stage.nowMs)) return false;
  stage.noteOfPeer(`server ${sid} has promised epoch ${accepted}, and can follow nobody in epoch ${epoch}`);
  stage.leastEpoch = Math.max(stage.leastEpoch, accepted + 1);
  return true;
}

/**
 * Who is to lead next: `wanted`, or whoever has acknowledged most, the greatest id among equals. Null: nobody can. Only
 * voters with a weight in every membership in force can, and only those that take part.
 */
function successorAmong(
  handlers: Iterable<LearnerHandler>,
  memberships: readonly Membership[],
  wanted: number | null,
): LearnerHandler | null {
  let best: LearnerHandler | null = null;
  for (const handler of handlers) {
    if (handler.stage !== 'live' || handler.isObserver || handler.link.closed) continue;
    if (wanted !== null && handler.sid !== wanted) continue;
    if (!memberships.every((each) => each.isVoter(handler.sid) && each.weightOf(handler.sid) > 0)) continue;
    if (best === null || progress(handler) > progress(best)) best = handler;
    else if (progress(handler) === progress(best) && handler.sid > best.sid) best = handler;
  }
  return best;
}

function progress(handler: LearnerHandler): number {
  return handler.unackedZxid === 0 ? Number.MAX_SAFE_INTEGER : handler.ackedZxid;
}
