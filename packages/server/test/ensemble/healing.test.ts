import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ErrorCode } from '@headkeeper/protocol';
import { freePorts, leaderOf, MemberProcess, until } from './member-process.ts';
import { using } from './member-session.ts';
import { inSteps } from './steps.ts';

/** Three sound servers elect within a few hundred milliseconds; so long those that must not are watched. */
const WATCHED_MS = 1500;
const WRITES = 40;

function filesOf(member: MemberProcess, kind: 'log' | 'snapshot'): string[] {
  const folder = join(member.dataDir, 'version-2');
  const names = readdirSync(folder).filter((name) => name.startsWith(`${kind}.`));
  return names.map((name) => join(folder, name));
}

/** Turns a bit in the middle of what was written; the rest of the file is zeros. */
function damage(file: string): void {
  const bytes = readFileSync(file);
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
  const at = used >>> 1;
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
}

function damagedFolders(member: MemberProcess): string[] {
  return readdirSync(member.dataDir).filter((name) => name.startsWith('version-2.damaged-'));
}

function isMarked(member: MemberProcess): boolean {
  return existsSync(join(member.dataDir, 'headkeeper.rebuilding'));
}

describe('servers of an ensemble that have lost data', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-healing-'));
  const members: MemberProcess[] = [];
  let written = 0;
  /** Each leaves all three running. */
  const step = inSteps();

  const others = (than: MemberProcess): [MemberProcess, MemberProcess] => {
    const [one, two] = members.filter((member) => member !== than);
    return [one as MemberProcess, two as MemberProcess];
  };

  const write = async (member: MemberProcess): Promise<void> => {
    await using(member, async (session) => {
      for (let i = 0; i < WRITES; i++) {
        assert.equal(await session.create(`/n-${written}`, String(written)), ErrorCode.ok);
        written++;
      }
    });
  };

  /** Every server has every write that was acknowledged. */
  const checkAll = async (): Promise<void> => {
    for (const member of members) {
      await using(member, async (session) => {
        for (let i = 0; i < written; i++) assert.equal(await session.read(`/n-${i}`), String(i), member.name);
      });
    }
  };

  /** The server and one other make a quorum, with either of the two others. */
  const checkVotes = async (healed: MemberProcess): Promise<void> => {
    for (const away of others(healed)) {
      await leaderOf(members);
      await away.kill();
      await leaderOf(members);
      await write(healed);
      away.start();
    }
    await leaderOf(members);
  };

  /** Server and `other` are up, and never serve: the one has lost its data, and two make no quorum without it. */
  const checkSilence = async (other: MemberProcess): Promise<void> => {
    const deadline = performance.now() + WATCHED_MS;
    while (performance.now() < deadline) {
      for (const member of members) if (member.isRunning) assert.equal(await member.mode(), null, member.name);
      await pause(100);
    }
    assert.ok(other.isRunning);
  };

  const killAll = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()));
  };

  before(async () => {
    for (const sid of [1, 2, 3]) members.push(new MemberProcess(folder, sid, await freePorts()));
    for (const member of members) member.configure(members.map((each) => each.line()));
    for (const member of members) member.start();
    await leaderOf(members);
  });

  after(async () => {
    await killAll();
    rmSync(folder, { recursive: true });
  });

  step('a damaged log is set aside, and the state comes back from the others', async () => {
    const leader = await leaderOf(members);
    await write(leader);
    const [victim] = others(leader);
    await victim.kill();
    const logs = filesOf(victim, 'log');
    const log = logs[0] as string;
    damage(log);
    const evidence = readFileSync(log);
    await write(leader);
    victim.start();
    await victim.isIn('follower');

    const [aside] = damagedFolders(victim);
    assert.ok(aside !== undefined, 'the damaged data is kept');
    assert.deepEqual(readFileSync(log.replace('/version-2/', `/${aside}/`)), evidence);
    assert.match(victim.log, /the data cannot be trusted and is set aside; the ensemble gives it back: .*log\./);
    await until('it is whole again', () => !isMarked(victim), [victim]);
    assert.match(victim.log, /a leader has synchronised this server: it votes again/);
    await checkAll();
    await checkVotes(victim);
    await checkAll();
  });

  step('damaged snapshots are no end, either', async () => {
    const leader = await leaderOf(members);
    const [victim] = others(leader);
    await victim.kill();
    for (const snapshot of filesOf(victim, 'snapshot')) damage(snapshot);
    for (const log of filesOf(victim, 'log')) damage(log);
    const before = damagedFolders(victim).length;
    victim.start();
    await victim.isIn('follower');
    assert.equal(damagedFolders(victim).length, before + 1);
    await checkAll();
    await checkVotes(victim);
  });

  step('a server whose data is damaged does not vote, now or after another start', async () => {
    await write(await leaderOf(members));
    const [victim, other, third] = members as [MemberProcess, MemberProcess, MemberProcess];
    await killAll();
    for (const log of filesOf(victim, 'log')) damage(log);
    victim.start();
    other.start();
    await until('the damage is found', () => isMarked(victim), [victim]);
    await checkSilence(other);
    await victim.kill();
    victim.start();
    await checkSilence(other);
    assert.ok(isMarked(victim));

    third.start();
    await leaderOf(members);
    assert.notEqual(await victim.mode(), 'leader');
    await checkAll();
    await until('it is whole again', () => !isMarked(victim), [victim]);
    await checkVotes(victim);
  });

  step('a voter whose disk was wiped does not vote while one with history is there', async () => {
    await write(await leaderOf(members));
    const [other, victim, third] = members as [MemberProcess, MemberProcess, MemberProcess];
    await killAll();
    for (const name of readdirSync(victim.dataDir)) {
      if (name !== 'myid') rmSync(join(victim.dataDir, name), { recursive: true });
    }
    victim.start();
    other.start();
    await checkSilence(other);
    third.start();
    await leaderOf(members);
    assert.notEqual(await victim.mode(), 'leader');
    await checkAll();
    await checkVotes(victim);
  });

  step('a voter without snapshots and logs, whose epochs are left, has lost data', async () => {
    await write(await leaderOf(members));
    const [other, victim, third] = members as [MemberProcess, MemberProcess, MemberProcess];
    await killAll();
    for (const file of [...filesOf(victim, 'log'), ...filesOf(victim, 'snapshot')]) rmSync(file);
    rmSync(join(victim.dataDir, 'version-2', 'headkeeper.logged'));
    victim.start();
    other.start();
    await until('the loss is found', () => isMarked(victim), [victim]);
    await checkSilence(other);
    assert.match(victim.log, /does not vote until a leader has synchronised it: currentEpoch is \d+, and there is no /);
    third.start();
    await leaderOf(members);
    await until('it is whole again', () => !isMarked(victim), [victim]);
    await checkAll();
    await checkVotes(victim);
  });

  step('a server that has lost its promises keeps its history, and does not vote at first', async () => {
    await write(await leaderOf(members));
    const [other, third, victim] = members as [MemberProcess, MemberProcess, MemberProcess];
    await killAll();
    writeFileSync(join(victim.dataDir, 'version-2', 'acceptedEpoch'), 'x');
    const before = damagedFolders(victim).length;
    victim.start();
    other.start();
    await checkSilence(other);
    third.start();
    await leaderOf(members);
    assert.equal(damagedFolders(victim).length, before);
    await until('it is whole again', () => !isMarked(victim), [victim]);
    await checkAll();
    await checkVotes(victim);
  });
});
