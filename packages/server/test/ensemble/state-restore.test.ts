import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { adler32 } from '../../src/core/log/checksum.ts';
import { freePorts, leaderOf, MemberProcess, until } from './member-process.ts';
import { using } from './member-session.ts';

const HEADERS = { Authorization: 'digest anybody:anything' };
const TWO_32 = 4294967296;

interface Outcome {
  readonly status: number;
  readonly answer: { readonly last_zxid?: number; readonly error: string | null };
}

describe('restoring an ensemble through its leader', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-restore-'));
  const members: MemberProcess[] = [];
  const adminPorts: Map<MemberProcess, number> = new Map();

  before(async () => {
    for (let sid = 1; sid <= 3; sid++) {
      const member = new MemberProcess(folder, sid, await freePorts());
      adminPorts.set(member, (await freePorts()).client);
      members.push(member);
    }
    for (const member of members) {
      const admin = [`admin.serverPort=${adminPorts.get(member)}`, 'admin.rateLimiterIntervalInMS=0'];
      member.configure([...members.map((each) => each.line()), ...admin]);
      member.start();
    }
    await leaderOf(members);
  });

  after(async () => {
    await Promise.all(members.map((member) => member.kill()));
    rmSync(folder, { recursive: true });
  });

  const admin = (member: MemberProcess, path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${adminPorts.get(member)}${path}`, { headers: HEADERS, ...init });

  async function take(member: MemberProcess): Promise<Uint8Array<ArrayBuffer>> {
    const response = await admin(member, '/commands/snapshot');
    assert.equal(response.status, 200, await response.clone().text());
    return new Uint8Array(await response.arrayBuffer());
  }

  async function restore(member: MemberProcess, body: Uint8Array<ArrayBuffer>): Promise<Outcome> {
    const response = await admin(member, '/commands/restore', { method: 'POST', body });
    return { status: response.status, answer: (await response.json()) as Outcome['answer'] };
  }

  /** What each server holds under the path once it serves. */
  async function everywhere(path: string): Promise<(string | null)[]> {
    await leaderOf(members);
    return Promise.all(members.map((member) => using(member, (session) => session.read(path))));
  }

  const lastZxid = async (member: MemberProcess): Promise<number> =>
    Number(/^Zxid: (0x[0-9a-f]+)$/m.exec(await member.word('srvr'))?.[1]);

  it('gives every server the state, from the snapshot of any of them', async () => {
    const leader = await leaderOf(members);
    const follower = members.find((member) => member !== leader) as MemberProcess;
    await using(leader, (session) => session.create('/config', 'right'));
    await using(follower, (session) => session.read('/config'));
    const snapshot = await take(follower);
    await using(leader, async (session) => {
      await session.call('delete', { path: '/config', version: -1 });
      await session.create('/later', '');
    });
    const beforeZxid = await lastZxid(leader);

    const refused = await restore(follower, snapshot);
    assert.equal(refused.status, 409);
    assert.match(refused.answer.error ?? '', new RegExp(`server ${leader.sid} leads: restore there`));

    const { status, answer } = await restore(leader, snapshot);
    assert.deepEqual([status, answer.error], [200, null]);
    assert.ok((answer.last_zxid ?? 0) > beforeZxid);
    assert.deepEqual(await everywhere('/config'), ['right', 'right', 'right']);
    assert.deepEqual(await everywhere('/later'), [null, null, null]);
    assert.equal(await using(follower, (session) => session.create('/goes-on', 'yes')), 0);
  });

  it('keeps the state when all stop and start again', async () => {
    await Promise.all(members.map((member) => member.kill()));
    for (const member of members) member.start();
    assert.deepEqual(await everywhere('/goes-on'), ['yes', 'yes', 'yes']);
    assert.deepEqual(await everywhere('/later'), [null, null, null]);
  });

  it('takes the state of an ensemble that was many epochs ahead, with its own members', async () => {
    const snapshot = await take(await leaderOf(members));
    const ahead = ofEpoch(snapshot, 900);
    const leader = await leaderOf(members);
    const own = await using(leader, (session) => session.members());
    const { status, answer } = await restore(leader, ahead);
    assert.deepEqual([status, answer.error], [200, null]);
    assert.ok((answer.last_zxid ?? 0) > 901 * TWO_32, `${answer.last_zxid}`);
    assert.deepEqual(await everywhere('/goes-on'), ['yes', 'yes', 'yes']);
    assert.equal((await everywhere('/zookeeper/config'))[0], own);
    const now = await leaderOf(members);
    assert.equal(await using(now, (session) => session.create('/still', '')), 0);
    assert.ok((await lastZxid(now)) > (answer.last_zxid ?? 0));
  });

  it('leaves one state or the other when the leader is killed at any moment', async () => {
    let [olds, news] = [0, 0];
    for (let round = 0; round < 8; round++) {
      const leader = await leaderOf(members);
      await using(leader, (session) => session.create(`/old-${round}`, ''));
      const snapshot = await take(leader);
      await using(leader, (session) => session.create(`/new-${round}`, ''));
      const outcome = restore(leader, snapshot).catch(() => null);
      // Reading, writing, changing over and electing take some tens of milliseconds.
      const killAt = performance.now() + round * 25;
      while (performance.now() < killAt) await using(leader, (session) => session.read('/')).catch(() => null);
      await leader.kill();
      const told = await outcome;
      leader.start();
      const now = await everywhere(`/new-${round}`);
      assert.equal(new Set(now).size, 1, `round ${round}: the servers agree, ${JSON.stringify(now)}`);
      assert.deepEqual(await everywhere(`/old-${round}`), ['', '', '']);
      if (told?.status === 200) assert.equal(now[0], null, 'what was told is so');
      if (now[0] === null) news++;
      else olds++;
    }
    assert.equal(olds + news, 8);
  });

  it('goes on when nothing was restored because no quorum is there', async () => {
    const leader = await leaderOf(members);
    const snapshot = await take(leader);
    const others = members.filter((member) => member !== leader);
    await Promise.all(others.map((member) => member.kill()));
    await until('it has lost its quorum', async () => (await leader.mode()) === null, members);
    const { status, answer } = await restore(leader, snapshot);
    assert.equal(status, 409);
    assert.match(answer.error ?? '', /no leader at the moment/);
    for (const other of others) other.start();
    await leaderOf(members);
  });
});

/** The snapshot with all its zxids that say where it stands moved to another epoch: digest record and trailer, seals made anew. */
function ofEpoch(snapshot: Uint8Array<ArrayBuffer>, epoch: number): Uint8Array<ArrayBuffer> {
  const copy = snapshot.slice();
  const view = new DataView(copy.buffer);
  const seal = 13;
  // nodes, seal | digest: zxid, version, value, seal | zxid, seal
  const trailer = copy.length - seal - 8;
  const record = trailer - seal - 20;
  view.setInt32(record, epoch);
  view.setInt32(trailer, epoch);
  for (const at of [record + 20, trailer + 8]) {
    view.setInt32(at, 0);
    view.setUint32(at + 4, adler32(copy, 0, at));
  }
  return copy;
}
