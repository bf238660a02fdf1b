import type { Membership } from '../membership/membership.ts';
import type { LearnerHandler } from './learner-handler.ts';

/**
 * Who leads under a new membership: the present leader, `sid`, if it can at its present address, else a voter that has
 * acknowledged the reconfiguration and as much behind it as possible (quorum-protocol reference, 13.5).
 */
export function designatedLeader(
  handlers: Iterable<LearnerHandler>,
  committed: Membership,
  next: Membership,
  sid: number,
  zxid: number,
): number {
  if (next.isVoter(sid) && addressOf(committed, sid) === addressOf(next, sid)) return sid;
  let best = sid;
  let bestZxid = -1;
  for (const handler of handlers) {
    if (handler.stage !== 'live' || !next.isVoter(handler.sid) || handler.ackedZxid < zxid) continue;
    if (handler.ackedZxid > bestZxid) {
      best = handler.sid;
      bestZxid = handler.ackedZxid;
    }
  }
  return best;
}

function addressOf(membership: Membership, sid: number): string {
  return membership
    .quorumAddress(sid)
    .map(({ host, port }) => `${host}:${port}`)
    .join();
}
