import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { freePorts, leaderOf, MemberProcess, until } from './member-process.ts';
import { using } from './member-session.ts';

describe('two servers with an oracle', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-oracle-'));
  const members: MemberProcess[] = [];

  const grant = (member: MemberProcess, text: string): void => {
    writeFileSync(join(folder, `oracle-${member.sid}`), text);
  };
  const other = (than: MemberProcess): MemberProcess => members.find((member) => member !== than) as MemberProcess;
  const write = async (member: MemberProcess, path: string): Promise<void> => {
    assert.equal(await using(member, (session) => session.create(path, path)), ErrorCode.ok);
  };

  before(async () => {
    for (let sid = 1; sid <= 2; sid++) members.push(new MemberProcess(folder, sid, await freePorts()));
    for (const member of members) {
      grant(member, '0\n');
      const lines = members.map((each) => each.line());
      member.configure([`oraclePath=${join(folder, `oracle-${member.sid}`)}`, ...lines]);
      member.start();
    }
    await leaderOf(members);
  });

  after(async () => {
    await Promise.all(members.map((member) => member.kill()));
    rmSync(folder, { recursive: true });
  });

  it('are one ensemble of two while both run: without the other neither serves', async () => {
    const leader = await leaderOf(members);
    await write(leader, '/both');
    await other(leader).kill();
    await until('the leader gives up', async () => (await leader.mode()) === null, members);
    other(leader).start();
    await leaderOf(members);
  });

  it('go on with the one that the oracle means, whether it led or not, and give the other what it missed', async () => {
    const leader = await leaderOf(members);
    const follower = other(leader);
    grant(leader, '1\n');
    await until('the oracle is heard', () => leader.log.includes('oracle: this server may go on alone'), members);
    await follower.kill();
    await write(leader, '/alone');
    assert.equal(await leader.mode(), 'leader');
    follower.start();
    await follower.isIn('follower');
    assert.equal(await using(follower, (session) => session.read('/alone')), '/alone');

    grant(leader, '0\n');
    grant(follower, '1\n');
    await until('the oracle is heard', () => follower.log.includes('oracle: this server may go on alone'), members);
    await leader.kill();
    await follower.isIn('leader');
    await write(follower, '/the-other-alone');
    leader.start();
    await leader.isIn('follower');
    assert.equal(await using(leader, (session) => session.read('/the-other-alone')), '/the-other-alone');
  });

  it('end with the word that let them go on', async () => {
    const leader = await leaderOf(members);
    await other(leader).kill();
    await write(leader, '/last');
    grant(leader, '0\n');
    await until('the leader gives up', async () => (await leader.mode()) === null, members);
  });
});
