import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { createFolderTarget } from '../../../src/backup/folder-target.ts';
import { BackupRepository } from '../../../src/backup/repository.ts';
import { verifyBackup } from '../../../src/backup/verify.ts';
import { defaultServerConfig, toCoreSettings } from '../../../src/config/server-config.ts';
import { freePorts, leaderOf, MemberProcess, until } from '../../ensemble/member-process.ts';
import { using } from '../../ensemble/member-session.ts';
import { inSteps } from '../../ensemble/steps.ts';
import { signal } from '../recorded-history.ts';

const WRITES = 60;

describe('an ensemble with backups', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-duty-'));
  const target = join(folder, 'backups');
  const members: MemberProcess[] = [];
  let written = 0;
  const step = inSteps();

  const isShipping = async (member: MemberProcess): Promise<boolean> =>
    /^zk_backup_shipping\t1$/m.test(await member.word('mntr'));

  /** The one that ships, once it is exactly one of those that run. */
  const shipper = async (isRight: (member: MemberProcess) => boolean = () => true): Promise<MemberProcess> => {
    let found: MemberProcess | null = null;
    await until(
      'one ships',
      async () => {
        const running = members.filter((member) => member.isRunning);
        const shipping: MemberProcess[] = [];
        for (const member of running) if (await isShipping(member)) shipping.push(member);
        found = shipping.length === 1 ? (shipping[0] ?? null) : null;
        return found !== null && isRight(found);
      },
      members,
    );
    return found as unknown as MemberProcess;
  };

  const write = async (member: MemberProcess): Promise<void> => {
    await using(member, async (session) => {
      for (let i = 0; i < WRITES; i++) {
        const error = await session.create(`/n-${written}`, String(written));
        assert.ok(error === ErrorCode.ok || error === ErrorCode.nodeExists);
        written++;
      }
    });
  };

  const repository = (): Promise<BackupRepository> => BackupRepository.open(createFolderTarget(target), null, signal);

  /** Everything that was written is safe. */
  const shipped = async (): Promise<void> => {
    const zxid = await using(members.find(({ isRunning }) => isRunning) as MemberProcess, async (session) => {
      const { zxid: last } = await session.call('getData', { path: `/n-${written - 1}`, watch: false });
      return last;
    });
    await until(
      'everything is shipped',
      async () => ((await (await repository()).catalogue(signal)).newestZxid ?? 0) >= zxid,
      members,
    );
  };

  before(async () => {
    mkdirSync(target);
    for (const sid of [1, 2, 3]) members.push(new MemberProcess(folder, sid, await freePorts()));
    const lines = members.map((member) => member.line());
    for (const member of members) {
      member.configure([...lines, 'skipACL=no', 'admin.enableServer=false', `backup.target=${target}`]);
    }
    for (const member of members) member.start();
    await leaderOf(members);
  });
  after(async () => {
    for (const member of members) await member.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  step('has one server that ships, which does not lead', async () => {
    const leader = await leaderOf(members);
    await shipper((member) => member !== leader);
    await write(leader);
    await shipped();
  });

  step('hands over when the one that ships is killed, and again when it comes back', async () => {
    const leader = await leaderOf(members);
    const first = await shipper((member) => member !== leader);
    await first.kill();
    await write(leader);
    const second = await shipper((member) => member !== first);
    await shipped();
    first.start();
    await first.isIn('follower');
    await write(second);
    await shipper((member) => member !== leader);
    await shipped();
  });

  step('hands over when the leader changes', async () => {
    const leader = await leaderOf(members);
    leader.signal('SIGUSR2');
    await until('another one leads', async () => (await leaderOf(members)) !== leader, members);
    const now = await leaderOf(members);
    await shipper((member) => member !== now);
    await write(now);
    await shipped();
  });

  step('goes on when all are killed and come back', async () => {
    for (const member of members) await member.kill();
    for (const member of members) member.start();
    const leader = await leaderOf(members);
    await shipper((member) => member !== leader);
    await write(leader);
    await shipped();
  });

  step('lets no client settle who ships', async () => {
    await using(members[0] as MemberProcess, async (session) => {
      const { body } = await session.call('getChildren', { path: '/zookeeper/backup', watch: false });
      const name = body?.children?.[0] ?? '';
      assert.match(name, /^[012]-[123]$/);
      assert.equal(await session.create('/zookeeper/backup/0-1', ''), ErrorCode.noAuth);
      const { err } = await session.call('delete', { path: `/zookeeper/backup/${name}`, version: -1 });
      assert.equal(err, ErrorCode.noAuth);
    });
  });

  step('keeps its znodes under /zookeeper/backup, one for each server', async () => {
    await until(
      'three candidates',
      () =>
        using(members[0] as MemberProcess, async (session) => {
          const { body } = await session.call('getChildren', { path: '/zookeeper/backup', watch: false });
          const names = [...(body?.children ?? [])].sort();
          return names.length === 3 && names.filter((name) => name.startsWith('1-')).length === 2;
        }),
      members,
    );
  });

  step('lets its last servers ship what they wrote before they stop', async () => {
    await write(members[0] as MemberProcess);
    for (const member of members) await member.stop();
  });

  step('has shipped a history without a gap', async () => {
    const settings = toCoreSettings(defaultServerConfig('/nowhere'), {
      hashSeed: 1,
      sessionPasswordKey: new Uint8Array(32),
      defaultSessionPassword: 'keyed',
    });
    const { problems, lines } = await verifyBackup(await repository(), { settings, signal });
    assert.deepEqual(problems, []);
    assert.equal(lines.length, 1);
  });
});
