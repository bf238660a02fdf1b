/** The beginnings: three servers on empty folders until the first write, and a follower that missed a great deal. */

import { fill, type LoadGenerator } from '../load-generator.ts';
import type { Ensemble } from './ensemble.ts';
import { SteadyWriter } from './writer.ts';

const longestMs = 300_000;

/** Starts the three processes at once. Returns the milliseconds until some client's first write is acknowledged. */
export async function coldStart(ensemble: Ensemble): Promise<number> {
  const begun = performance.now();
  for (const member of ensemble.members) member.start();
  const writer = new SteadyWriter({ ports: ensemble.members.map((member) => member.port), path: '/cold-start' });
  try {
    return (await writer.writtenAfter(begun, longestMs)) - begun;
  } finally {
    writer.stop();
  }
}

/** What a follower that was away costs. */
export interface CatchUp {
  /** Milliseconds from the start of its process until it serves at the leader's zxid. */
  readonly ms: number;
  readonly note: string;
}

/** Stops a follower, creates `txns` znodes of 100 bytes through the other one, and starts it again. */
export async function catchUp(ensemble: Ensemble, generator: LoadGenerator, txns: number): Promise<CatchUp> {
  const leader = await ensemble.leader();
  const [absent, present] = ensemble.members.filter((member) => member !== leader);
  if (absent === undefined || present === undefined) throw new Error('there are no two followers');
  await absent.server.stop();
  const before = (await leader.until('leading', () => true, longestMs)).zxid;
  await fill(generator, `${present.address},${leader.address}`, txns);
  const target = (await leader.until('leading', (status) => status.mode === 'leader', longestMs)).zxid;
  const begun = performance.now();
  absent.start();
  await absent.until('up to date', (status) => status.zxid >= target, longestMs, 10);
  const ms = performance.now() - begun;
  if (target - before < txns) throw new Error(`the leader is only ${target - before} transactions ahead`);
  return { ms, note: `${target - before} transactions behind` };
}
