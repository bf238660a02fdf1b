import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { freePorts, leaderOf, MemberProcess } from '../ensemble/member-process.ts';
import { MemberSession } from '../ensemble/member-session.ts';

const OPEN = [{ perms: 31, scheme: 'world', id: 'anyone' }];

interface Line {
  readonly operation: string;
  readonly znode?: string;
  readonly result: string;
  readonly ip?: string;
}

describe('the audit logs of an ensemble, and its commands', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-ensemble-audit-'));
  const members: MemberProcess[] = [];
  const adminPorts: number[] = [];
  const fileOf = (member: MemberProcess): string => join(folder, `audit-${member.sid}.log`);

  before(async () => {
    for (const sid of [1, 2, 3]) {
      members.push(new MemberProcess(folder, sid, await freePorts()));
      adminPorts.push((await freePorts()).client);
    }
    for (const [i, member] of members.entries()) {
      member.configure([
        ...members.map((one) => one.line()),
        ...['audit.enable=true', 'audit.format=json', `audit.file=${fileOf(member)}`],
        ...[`admin.serverPort=${adminPorts[i]}`, 'messageTracker.Enabled=true', 'messageTracker.BufferSize=3'],
      ]);
      member.start();
    }
    await leaderOf(members);
  });
  after(async () => {
    await Promise.all(members.map((member) => member.kill()));
    rmSync(folder, { recursive: true });
  });

  const post = async (member: MemberProcess, command: string): Promise<{ status: number; error: string | null }> => {
    const url = `http://127.0.0.1:${adminPorts[member.sid - 1]}/commands/${command}`;
    const response = await fetch(url, { method: 'POST', headers: { Authorization: 'digest ops:secret' } });
    return { status: response.status, error: ((await response.json()) as { error: string | null }).error };
  };

  it('hand over when the leader is asked to, and others say whom to ask', async () => {
    const leader = await leaderOf(members);
    const other = members.find((member) => member !== leader) as MemberProcess;
    const refused = await post(other, 'transfer_leadership');
    assert.equal(refused.status, 409);
    assert.match(refused.error ?? '', new RegExp(`server ${leader.sid} at 127\\.0\\.0\\.1 leads`));
    assert.match((await post(other, 'rqld')).error ?? '', new RegExp(`transfer_leadership\\?to=${other.sid}$`));
    assert.deepEqual(await post(leader, `transfer_leadership?to=${other.sid}`), { status: 200, error: null });
    await other.isIn('leader');
    await leader.isIn('follower');
  });

  it('tell of a change where its client is, and of the end of an ephemeral everywhere', async () => {
    const leader = await leaderOf(members);
    const [one, two] = members.filter((member) => member !== leader) as [MemberProcess, MemberProcess];
    for (const member of [leader, one]) {
      const session = await MemberSession.open(member);
      const name = member === leader ? 'led' : 'followed';
      await session.create(`/${name}`, '');
      await session.create(`/${name}`, '');
      await session.call('create', { path: `/${name}-e`, data: null, acl: OPEN, flags: 1 });
      await session.call('closeSession', null);
      session.end();
    }
    // Its answer comes behind all of that, on each of them.
    for (const member of members) {
      const session = await MemberSession.open(member);
      await session.read('/led');
      session.end();
    }
    await Promise.all(members.map((member) => member.stop()));
    const linesOf = (member: MemberProcess): string[] =>
      readFileSync(fileOf(member), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
        .filter(({ znode }) => znode !== undefined)
        .map(({ operation, znode, result }) => `${operation.slice(0, 9)} ${znode} ${result}`);
    const changes = (name: string): string[] => [
      `create /${name} success`,
      `create /${name} failure`,
      `create /${name}-e success`,
    ];
    const ends = ['ephemeral /led-e success', 'ephemeral /followed-e success'];
    assert.deepEqual(linesOf(leader), [...changes('led'), ...ends]);
    assert.deepEqual(linesOf(one), [ends[0], ...changes('followed'), ends[1]]);
    assert.deepEqual(linesOf(two), ends);
  });

  it('say what went last between two servers that have lost each other', () => {
    const told = members.flatMap(({ log }) => [...log.matchAll(/last packets, newest first: (received [^"]*)"/g)]);
    assert.ok(told.length > 0, members.map(({ log }) => log.slice(-2000)).join('\n'));
    assert.match(told.map(([, text]) => text).join('\n'), /received (ack|ping|commit|proposal)[^;]* ms ago; sent \w+/);
  });
});
