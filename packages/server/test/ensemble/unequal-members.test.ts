/** Ensembles whose members differ: by weight, by role, and by whom they serve. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { freePorts, leaderOf, MemberProcess, until } from './member-process.ts';
import { MemberSession, using } from './member-session.ts';

/** Time in which three sound servers would have elected and served several times over. */
const WATCHED_TICKS = 3;
const TICK_MS = 500;

class Group {
  readonly members: MemberProcess[] = [];
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'headkeeper-unequal-'));

  async start(observers: readonly number[], count: number, further: readonly string[]): Promise<void> {
    for (let sid = 1; sid <= count; sid++) this.members.push(new MemberProcess(this.#folder, sid, await freePorts()));
    const lines = this.members.map((each) => each.line(observers.includes(each.sid) ? 'observer' : 'participant'));
    for (const member of this.members) {
      member.configure([...further, ...lines]);
      member.start();
    }
  }

  get(sid: number): MemberProcess {
    return this.members[sid - 1] as MemberProcess;
  }

  async end(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    rmSync(this.#folder, { recursive: true });
  }
}

async function write(member: MemberProcess, path: string): Promise<void> {
  assert.equal(await using(member, (session) => session.create(path, path)), ErrorCode.ok);
}

async function read(member: MemberProcess, path: string): Promise<string | null> {
  return using(member, (session) => session.read(path));
}

async function serveNobody(...members: readonly MemberProcess[]): Promise<void> {
  const modes = async (): Promise<(string | null)[]> => Promise.all(members.map((member) => member.mode()));
  await until('nobody serves', async () => (await modes()).every((mode) => mode === null), members);
  const endMs = performance.now() + WATCHED_TICKS * TICK_MS;
  while (performance.now() < endMs) {
    for (const mode of await modes()) assert.equal(mode, null);
  }
}

describe('an ensemble whose members have weights', { timeout: 120_000 }, () => {
  const group = new Group();
  before(() => group.start([], 3, ['group.1=1:2:3', 'weight.1=3', 'weight.2=1', 'weight.3=1']));
  after(() => group.end());

  it('goes on while more than half of the weight is there, however few servers that are', async () => {
    await leaderOf(group.members);
    await write(group.get(2), '/all');
    await group.get(2).kill();
    await group.get(3).kill();
    await group.get(1).isIn('leader');
    await write(group.get(1), '/alone');
  });

  it('does not with less, however many servers', async () => {
    group.get(2).start();
    group.get(3).start();
    await leaderOf(group.members);
    assert.equal(await read(group.get(2), '/alone'), '/alone');
    await group.get(1).kill();
    await serveNobody(group.get(2), group.get(3));
    group.get(1).start();
    await leaderOf(group.members);
    assert.equal(await read(group.get(3), '/alone'), '/alone');
  });
});

describe('an ensemble in groups', { timeout: 120_000 }, () => {
  const group = new Group();
  before(() => group.start([], 5, ['group.1=1:2:3', 'group.2=4', 'group.3=5']));
  after(() => group.end());

  it('goes on with the majority of most groups, and not with a majority of servers that is none of groups', async () => {
    await leaderOf(group.members);
    await group.get(1).kill();
    await group.get(2).kill();
    await group.get(3).kill();
    // Two of five servers, but two of three groups.
    await leaderOf(group.members);
    await write(group.get(4), '/two-groups');
    for (const sid of [1, 2, 3]) group.get(sid).start();
    await leaderOf(group.members);
    assert.equal(await read(group.get(1), '/two-groups'), '/two-groups');
    await group.get(4).kill();
    await group.get(5).kill();
    await serveNobody(group.get(1), group.get(2), group.get(3));
    group.get(4).start();
    await leaderOf(group.members);
    await write(group.get(1), '/again');
  });
});

describe('an ensemble with observers', { timeout: 120_000 }, () => {
  const group = new Group();
  const observer = (): MemberProcess => group.get(4);
  before(() => group.start([4, 5], 5, []));
  after(() => group.end());

  it('serves clients at the observers, which keep them while another voter takes the lead', async () => {
    const leader = await leaderOf(group.members);
    assert.equal(await observer().mode(), 'observer');
    await write(observer(), '/at-the-observer');
    assert.equal(await read(leader, '/at-the-observer'), '/at-the-observer');
    const idle = await MemberSession.open(observer());
    await leader.kill();
    const next = await leaderOf(group.members);
    assert.ok(next.sid <= 3, 'observers do not lead');
    await write(next, '/next');
    await observer().isIn('observer');
    assert.equal(await idle.read('/next'), '/next');
    idle.end();
    leader.start();
    await leader.isIn('follower');
  });

  it('is none without a majority of voters, whatever observers there are', async () => {
    const [first, second] = group.members as unknown as [MemberProcess, MemberProcess];
    await first.kill();
    await second.kill();
    await serveNobody(group.get(3), group.get(4), group.get(5));
    first.start();
    await leaderOf(group.members);
    await write(group.get(5), '/back');
  });
});

describe('an ensemble whose leader serves no clients', { timeout: 120_000 }, () => {
  const group = new Group();
  before(() => group.start([], 3, ['leaderServes=no']));
  after(() => group.end());

  /** The followers: the leader says nothing, as Apache's does not. */
  const followers = async (count: number): Promise<MemberProcess[]> => {
    let found: MemberProcess[] = [];
    await until(
      `${count} follow`,
      async () => {
        const modes = await Promise.all(group.members.map((member) => member.mode()));
        found = group.members.filter((_, at) => modes[at] === 'follower');
        return found.length === count && modes.every((mode) => mode === null || mode === 'follower');
      },
      group.members,
    );
    return found;
  };

  it('serves them at the followers alone, and at the others when one of these leads', async () => {
    const first = await followers(2);
    const [one, two] = first as [MemberProcess, MemberProcess];
    const leader = group.members.find((member) => !first.includes(member)) as MemberProcess;
    await assert.rejects(MemberSession.open(leader));
    await write(one, '/a');
    assert.equal(await read(two, '/a'), '/a');
    await leader.kill();
    const [left] = (await followers(1)) as [MemberProcess];
    const next = left === one ? two : one;
    await assert.rejects(MemberSession.open(next));
    await write(left, '/b');
    leader.start();
    await followers(2);
    assert.equal(await read(leader, '/b'), '/b');
  });
});
