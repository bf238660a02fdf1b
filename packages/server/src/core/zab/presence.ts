import type { Membership } from '../membership/membership.ts';
import type { LearnerHandler } from './learner-handler.ts';

/** The first of those that have connected and not said who they are; null when all have. */
export function firstUnnamed(handlers: Iterable<LearnerHandler>): LearnerHandler | null {
  for (const handler of handlers) if (handler.stage === 'info') return handler;
  return null;
}

/** Every server, voter or not, that acknowledges proposals as they come, and the leader. Observers acknowledge none. */
export function upToDateServers(
  handlers: Iterable<LearnerHandler>,
  leader: number,
  committed: Membership,
): ReadonlySet<number> {
  const sids = new Set([leader]);
  for (const handler of handlers) {
    // One that is to observe by now is about to come back as an observer.
    const isToObserve = committed.members.get(handler.sid)?.role === 'observer';
    if (handler.stage === 'live' && !handler.isObserver && !isToObserve) sids.add(handler.sid);
  }
  return sids;
}

/**
 * The leader and those that follow it: that have its history, or, with `arriving`, are being brought to it. Observers
 * acknowledge no proposals: without a quorum of followers nothing is committed any more.
 */
export function presentServers(
  handlers: Iterable<LearnerHandler>,
  leader: number,
  synced: ReadonlySet<number>,
  arriving: boolean,
): ReadonlySet<number> {
  const present = new Set([leader]);
  for (const { sid, isObserver, stage } of handlers) {
    if (!isObserver && (synced.has(sid) || (arriving && stage !== 'info'))) present.add(sid);
  }
  return present;
}
