import type { PeerLink } from '../peer-link.ts';
import type { Proposal, Proposals } from '../proposals.ts';
import type { CommitRule } from './commit-rule.ts';
import type { LearnerHandler } from './learner-handler.ts';

/** Takes a link whose packets are to leave. */
export type Send = (link: PeerLink) => void;

/**
 * Writes the PROPOSALs of the outstanding txns from number `from` on to every follower that gets them as they come. What one
 * has been written is copied for the others: their bytes are the same.
 */
export function sendProposals(
  handlers: Iterable<LearnerHandler>,
  proposals: Proposals,
  from: number,
  nowMs: number,
  send: Send,
): void {
  let model: LearnerHandler | null = null;
  let start = 0;
  for (const handler of handlers) {
    if (handler.isObserver || !handler.isForwarding) continue;
    if (model === null) {
      model = handler;
      start = handler.link.out.length;
      for (let i = from; i < proposals.outstanding; i++) handler.proposal(proposals.at(i), nowMs);
    } else {
      const { out } = model.link;
      handler.link.out.raw(out.bytes, start, out.length);
      handler.proposed(proposals.at(from).zxid, proposals.lastZxid, nowMs);
    }
    send(handler.link);
  }
}

/** Writes the COMMITs, or INFORMs, of the oldest `count` outstanding txns, none of which is a reconfiguration. */
export function sendCommits(handlers: Iterable<LearnerHandler>, proposals: Proposals, count: number, send: Send): void {
  let model: LearnerHandler | null = null;
  let start = 0;
  for (const handler of handlers) {
    const { out } = handler.link;
    const isFollower = !handler.isObserver && handler.isForwarding;
    if (isFollower && handler.isGrouping) handler.commit(proposals.at(count - 1), null);
    else if (isFollower && model !== null) out.raw(model.link.out.bytes, start, model.link.out.length);
    else {
      if (isFollower) {
        model = handler;
        start = out.length;
      }
      for (let i = 0; i < count; i++) handler.commit(proposals.at(i), null);
    }
    if (handler.isForwarding) send(handler.link);
  }
}

/** Writes the COMMIT, or INFORM, of a reconfiguration, which names the server that leads from then on; null: nobody. */
export function sendReconfigCommit(
  handlers: Iterable<LearnerHandler>,
  proposal: Proposal,
  designated: number | null,
  send: Send,
): void {
  for (const handler of handlers) {
    handler.commit(proposal, designated);
    if (handler.isForwarding) send(handler.link);
  }
}

/** What followers have acknowledged counts from now on: once for all the txns that they acknowledge together. */
export function countAcks(handlers: Iterable<LearnerHandler>, rule: CommitRule): void {
  for (const handler of handlers) {
    if (handler.isObserver || (handler.stage !== 'synced' && handler.stage !== 'live')) continue;
    rule.acknowledged(handler.sid, handler.ackedZxid);
  }
}
