import type { Member } from '../core/member.ts';
import type { Leading } from '../core/roles/leading.ts';
import type { Learning } from '../core/roles/learning.ts';
import type { EnsembleFacts, LeaderFacts, ObserverFacts } from './ensemble-facts.ts';

const ROLES = { looking: 'looking', leading: 'leader', following: 'follower', observing: 'observer' } as const;

/** What the operators' commands may know of a server of an ensemble, read from its core as it is now. */
export function factsOf(member: Member): EnsembleFacts {
  const { stage, role } = member;
  const leading = role.name === 'leading' ? (role as Leading) : null;
  const learning = role.name === 'following' || role.name === 'observing' ? (role as Learning) : null;
  const { settings, committed } = stage;
  return {
    sid: settings.sid,
    role: ROLES[role.name],
    phase: role.stage,
    readOnly: stage.clients.isReadOnly,
    currentEpoch: stage.epochs.current,
    leaderSid: learning !== null ? learning.leader : leading !== null ? settings.sid : null,
    observerMasterSid: role.name === 'observing' && learning !== null ? learning.leader : null,
    localSessionCount: stage.pipeline.serving.localSessions.size,
    initLimitTicks: settings.initLimitTicks,
    syncLimitTicks: settings.syncLimitTicks,
    membership: committed,
    leading: leading !== null ? leaderFacts(member, leading) : null,
    hostedObservers: learning?.hostedObservers ?? null,
  };
}

function leaderFacts(member: Member, role: Leading): LeaderFacts {
  const { stage } = member;
  let learners = 0;
  let syncedFollowers = 0;
  let syncedNonVoters = 0;
  let syncedObservers = 0;
  const observers: ObserverFacts[] = [];
  const toWallMs = stage.pipeline.serving.wallMs - stage.nowMs;
  for (const handler of role.learners) {
    learners++;
    const { sid, link } = handler;
    if (handler.isObserver) {
      observers.push({
        sid,
        address: link.address,
        establishedAt: link.openedMs + toWallMs,
        queuedBytes: link.out.length,
      });
    }
    if (handler.stage !== 'live' && handler.stage !== 'synced') continue;
    if (handler.isObserver) syncedObservers++;
    else if (stage.committed.isVoter(handler.sid)) syncedFollowers++;
    else syncedNonVoters++;
  }
  return {
    uptimeMs: stage.nowMs - stage.statistics.roleBeganMs,
    learners,
    syncedFollowers,
    syncedNonVoters,
    syncedObservers,
    observers,
    pendingSyncs: role.pendingSyncs,
    proposalSize: stage.statistics.proposalSize,
  };
}
