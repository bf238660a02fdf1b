/** The leader is killed, or stopped as a hanging machine would be: how long until the next write commits. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Ensemble } from './ensemble.ts';
import type { Member } from './member.ts';
import { SteadyWriter } from './writer.ts';

/** Milliseconds from the fault until a write that was begun after it was acknowledged. */
export interface Interruption {
  /** For a client that is connected to a follower which survives, and that goes back to it. */
  readonly atFollower: number;
  /** For a client of the leader, which goes round all servers. */
  readonly atLeader: number;
  readonly note: string;
}

/** Longer than any timeout of the configuration. */
const longestMs = 60_000;
/** How long everything runs undisturbed before the fault. */
const calmMs = 1500;
const writesBefore = 20;

export async function killLeader(ensemble: Ensemble): Promise<Interruption> {
  return interrupt(ensemble, async (leader) => {
    await leader.server.ended;
    leader.start();
  });
}

/** Only `atFollower` is judged: a client of the stopped leader waits for its own timeout. */
export async function stopLeader(ensemble: Ensemble): Promise<Interruption> {
  return interrupt(ensemble, async (leader) => leader.server.signal('SIGCONT'), 'SIGSTOP');
}

async function interrupt(
  ensemble: Ensemble,
  repair: (leader: Member) => Promise<void>,
  signal: 'SIGKILL' | 'SIGSTOP' = 'SIGKILL',
): Promise<Interruption> {
  const leader = await ensemble.leader();
  const others = ensemble.members.filter((member) => member !== leader);
  const stays = new SteadyWriter({ ports: [others[0]!.port], path: '/failover-a' });
  const roams = new SteadyWriter({ ports: [leader, ...others].map((member) => member.port), path: '/failover-b' });
  try {
    await pause(calmMs);
    if (Math.min(stays.acknowledged, roams.acknowledged) < writesBefore) {
      throw new Error(`${stays.acknowledged} and ${roams.acknowledged} writes in ${calmMs} ms before the fault`);
    }
    const begun = performance.now();
    leader.server.signal(signal);
    const atFollower = stays.writtenAfter(begun, longestMs);
    const atLeader = signal === 'SIGKILL' ? roams.writtenAfter(begun, longestMs) : atFollower;
    const [first, second] = await Promise.all([atFollower, atLeader]);
    const next = await nextLeader(others);
    await repair(leader);
    await leader.until('a follower', (status) => status.mode === 'follower', longestMs);
    const lost = stays.sessionsLost + roams.sessionsLost;
    return {
      atFollower: first - begun,
      atLeader: second - begun,
      note: `server ${leader.id}, then ${next}${lost === 0 ? '' : `; ${lost} sessions lost`}`,
    };
  } finally {
    stays.stop();
    roams.stop();
  }
}

async function nextLeader(survivors: readonly Member[]): Promise<string> {
  const modes = await Promise.all(survivors.map(async (member) => (await member.status())?.mode));
  return String(survivors[modes.indexOf('leader')]?.id ?? 'nobody');
}
