/** Servers that come back to an ensemble with too little, with nothing, or with too much; and leaders that die. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateMode, ErrorCode } from '@headkeeper/protocol';
import { ConnectionLost, RawSession } from '../crash/raw-session.ts';
import type { Ensemble } from './ensemble.ts';
import type { EnsembleLoad } from './ensemble-load.ts';
import { creation, EnsembleSession } from './ensemble-session.ts';
import type { Member } from './member.ts';
import { until } from './waiting.ts';

export type Sync = 'DIFF' | 'SNAP' | 'TRUNC';

/** What a learner logs of its synchronisation: Apache's, and ours. */
const SYNC_LINES: readonly (readonly [Sync, RegExp])[] = [
  ['DIFF', /Getting a diff from the leader|synchronising by DIFF/],
  ['SNAP', /Getting a snapshot from leader|synchronising by SNAP/],
  ['TRUNC', /Truncating log to get in sync|synchronising by TRUNC/],
];

/** What no server of Apache's should have to complain of. A jump to a new epoch is none. */
const COMPLAINTS = /Got zxid 0x([0-9a-f]+)[0-9a-f]{8} expected 0x\1[0-9a-f]{8}$/;
const DIGEST_COMPLAINT = /Digests are not matching|digest mismatch/;

/** Kills a server, lets `writes` be committed without it, and something happen to it, starts it; returns how it was synchronised. */
export async function comeBack(
  ensemble: Ensemble,
  load: EnsembleLoad,
  sid: number,
  writes: number,
  meanwhile: () => void = () => {},
): Promise<Sync[]> {
  const member = ensemble.member(sid);
  const { paceMs } = load;
  await member.kill();
  if (writes > 100) load.paceMs = 0;
  await load.waitForWrites(writes);
  load.paceMs = paceMs;
  meanwhile();
  return started(ensemble, member);
}

/** As `comeBack`, with an empty disk. */
export async function comeBackEmpty(ensemble: Ensemble, load: EnsembleLoad, sid: number): Promise<Sync[]> {
  const member = ensemble.member(sid);
  await member.kill();
  member.wipe();
  await load.waitForWrites(50);
  return started(ensemble, member);
}

/**
 * Lets server `sid` lead, log a few writes that nobody else gets, and die; the others go on without these, and the server
 * comes back with them in its log: at once, or when others have taken their place (`late`). They must be gone then. Other
 * writing pauses meanwhile; needs relays.
 * @returns how it was synchronised
 */
export async function comeBackWithMore(
  ensemble: Ensemble,
  load: EnsembleLoad,
  sid: number,
  late: boolean,
): Promise<Sync[]> {
  const member = ensemble.member(sid);
  await ensemble.makeLeader(sid);
  await load.waitForWrites(20);
  await load.stopWriting();
  await logAlone(ensemble, member);
  const next = await ensemble.waitForLeader();
  if (late) {
    load.resumeWriting();
    await load.waitForWrites(50);
  }
  const syncs = await started(ensemble, member);
  if (!late) load.resumeWriting();
  for (const each of [member, next]) {
    const session = new EnsembleSession('judge', { ports: [each.clientPort] });
    await session.askUntilAnswered('sync', { path: '/' });
    const { error } = await session.askUntilAnswered('exists', { path: `/${MARKER}`, watch: false });
    if (error !== ErrorCode.noNode) throw new Error(`a write that only server ${sid} had logged is on ${each.name}`);
    await session.close();
  }
  return syncs;
}

/** Kills whoever leads, waits for the next write, and starts it again. Returns the milliseconds to that write. */
export async function killLeader(ensemble: Ensemble, load: EnsembleLoad): Promise<number> {
  const leader = await ensemble.waitUntilWhole();
  const epoch = Math.floor(((await leader.zxid()) ?? 0) / EPOCH);
  const next = load.nextWrite(({ zxid }) => Math.floor(zxid / EPOCH) > epoch);
  const killed = performance.now();
  await leader.kill();
  await load.waitForWrites(1);
  const { answered } = await next;
  await leader.start();
  await ensemble.waitUntilWhole();
  return answered - killed;
}

/** One session goes to every server and creates an ephemeral there; all are seen everywhere, and gone with it. */
export async function tour(ensemble: Ensemble): Promise<string[]> {
  const ports = ensemble.members.map((member) => member.clientPort);
  const session = new EnsembleSession('tourist', { ports });
  const faults: string[] = [];
  const paths = ensemble.sids.map((sid) => `/tour-${sid}`);
  for (const [index, path] of paths.entries()) {
    await arrive(session, ports[index] as number);
    const { error } = await session.ask('create', creation(path, '', CreateMode.ephemeral));
    if (error !== ErrorCode.ok) faults.push(`${path} is answered ${error}`);
  }
  for (const port of ports) {
    await arrive(session, port);
    for (const path of paths) {
      const { body } = await session.ask('exists', { path, watch: false });
      if (body?.stat.ephemeralOwner !== session.id) faults.push(`${path} is not seen on port ${port}`);
    }
  }
  await session.close();
  for (const member of ensemble.members) {
    const judge = new EnsembleSession('judge', { ports: [member.clientPort] });
    await judge.ask('sync', { path: '/' });
    for (const path of paths) {
      const { error } = await judge.ask('exists', { path, watch: false });
      if (error !== ErrorCode.noNode) faults.push(`${path} outlives its session on ${member.name}`);
    }
    await judge.close();
  }
  return faults;
}

/**
 * Sessions of one server that only write, and others that only sync, at the same time: all are answered. (Apache's learners
 * keep both in one queue, and wait for ever when a leader answers in another order.)
 */
export async function mixSyncs(ensemble: Ensemble): Promise<string[]> {
  const faults: string[] = [];
  for (const member of ensemble.members) {
    const path = `/mixed-${member.sid}`;
    const judge = new EnsembleSession('judge', { ports: [member.clientPort] });
    await judge.ensure(path);
    await judge.close();
    const work = Array.from({ length: 2 * MIXING_SESSIONS }, async (_, index) => {
      const session = await RawSession.attach(member.clientPort, null, 0, { silenceMs: 5_000 });
      for (let n = 0; n < MIXED_REQUESTS; n++) {
        if (index % 2 === 0) await session.request('sync', { path });
        else await session.request('setData', { path, data: null, version: -1 });
      }
      await session.request('closeSession', null);
      session.destroy();
    });
    const lost = (await Promise.allSettled(work)).filter(({ status }) => status === 'rejected');
    if (lost.length > 0) faults.push(`${member.name} answers no more to ${lost.length} of ${work.length} sessions`);
  }
  return faults;
}

/** Moves a session to one server; a server that has not seen what the session has seen sends it on at first. */
async function arrive(session: EnsembleSession, port: number): Promise<void> {
  await until(`the session is taken on port ${port}`, 10_000, async () => {
    session.moveTo(port);
    await session.link();
    return session.port === port;
  });
}

/** What Apache's servers complained of since they were first started. */
export function complaints(ensemble: Ensemble): string[] {
  const members = ensemble.members.filter((member) => member.kind !== 'headkeeper');
  return members.flatMap((member) => complaintsIn(member.logSince(0)).slice(0, 5)).map((line) => `logged: ${line}`);
}

/** Digests do not match while what a snapshot was written over is applied once more; at any other time they must. */
function complaintsIn(log: string): string[] {
  let repeating = false;
  return log.split('\n').filter((line) => {
    if (line.includes('Getting a snapshot from leader')) repeating = true;
    if (line.includes('Peer state changed: following - broadcast')) repeating = false;
    return COMPLAINTS.test(line) || (!repeating && DIGEST_COMPLAINT.test(line));
  });
}

const EPOCH = 2 ** 32;
const MARKER = 'never-committed';
const MARKERS = 3;
const MIXING_SESSIONS = 4;
const MIXED_REQUESTS = 300;

/** Starts a server and waits until it serves. Returns how it was synchronised, as it says itself. */
async function started(ensemble: Ensemble, member: Member): Promise<Sync[]> {
  const mark = member.logLength();
  await member.start();
  await ensemble.waitUntilWhole();
  const logged = member.logSince(mark);
  return SYNC_LINES.filter(([, pattern]) => pattern.test(logged)).map(([sync]) => sync);
}

/** The leader's proposals reach nobody; when it has them in its log, it is killed, and what it sent is lost. */
async function logAlone(ensemble: Ensemble, leader: Member): Promise<void> {
  const session = await RawSession.attach(leader.clientPort, null, 0);
  ensemble.mesh.mute(leader.sid);
  const never = Array.from({ length: MARKERS }, (_, index) =>
    session.request('create', creation(index === 0 ? `/${MARKER}` : `/${MARKER}-${index}`, '', 0)),
  );
  const outcome = Promise.allSettled(never);
  await until('the leader has logged the writes', 10_000, () => logHolds(leader, `${MARKER}-${MARKERS - 1}`));
  await leader.kill();
  ensemble.mesh.heal(true);
  for (const one of await outcome) {
    if (one.status === 'fulfilled') throw new Error('a write that only the leader has was acknowledged');
    if (!(one.reason instanceof ConnectionLost)) throw one.reason;
  }
}

function logHolds(member: Member, text: string): boolean {
  const folder = join(member.dataDir, 'version-2');
  return readdirSync(folder).some((name) => name.startsWith('log.') && readFileSync(join(folder, name)).includes(text));
}
