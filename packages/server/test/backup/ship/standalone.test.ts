import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { restoreState } from '../../../src/backup/backup-state.ts';
import { createFolderTarget } from '../../../src/backup/folder-target.ts';
import { parseObjectName } from '../../../src/backup/naming.ts';
import { BackupRepository } from '../../../src/backup/repository.ts';
import { parseServerConfig } from '../../../src/config/parse.ts';
import { toCoreSettings } from '../../../src/config/server-config.ts';
import { type RunningServer, startServer } from '../../../src/main.ts';
import { nodesOf } from '../../core/tree-dump.ts';
import { MemberSession } from '../../ensemble/member-session.ts';
import { signal } from '../recorded-history.ts';

const WRITING_MS = 5000;
const EXPOSURE_MS = 1000;

describe('a server with backups', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-ship-'));
  const target = join(folder, 'backups');
  const lines: string[] = [];
  const config = parseServerConfig(
    [
      ...[`dataDir=${join(folder, 'data')}`, 'clientPort=0', 'clientPortAddress=127.0.0.1', 'tickTime=500'],
      ...['admin.enableServer=false', `backup.target=${target}`, `backup.exposure=${EXPOSURE_MS}ms`],
    ].join('\n'),
    { file: null },
  );
  const start = (): Promise<RunningServer> => {
    const say = (facts: object, message: string): void => void lines.push(`${message} ${JSON.stringify(facts)}`);
    return startServer(config, { log: { info: say, warn: say, error: say } });
  };
  let server: RunningServer;

  /** The greatest zxid that a published manifest names. */
  const published = (): number => {
    let newest = 0;
    for (const kind of ['full', 'log']) {
      let names: string[] = [];
      try {
        names = readdirSync(join(target, kind));
      } catch {
        // The folder is made with its first object.
      }
      for (const name of names) {
        const parsed = parseObjectName(`${kind}/${name}`);
        if (parsed?.part !== 'manifest') continue;
        newest = Math.max(newest, parsed.name.kind === 'full' ? parsed.name.zxid : parsed.name.lastZxid);
      }
    }
    return newest;
  };

  before(async () => {
    mkdirSync(target);
    server = await start();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const restored = async (): Promise<Set<string>> => {
    const repository = await BackupRepository.open(createFolderTarget(target), null, signal);
    const settings = toCoreSettings(config, {
      hashSeed: 1,
      sessionPasswordKey: new Uint8Array(32),
      defaultSessionPassword: 'keyed',
    });
    const catalogue = await repository.catalogue(signal);
    const { database } = await restoreState(repository, catalogue, { toZxid: null, settings, signal });
    const found = nodesOf(database.tree).filter(({ path }) => /^\/n\d+$/.test(path));
    return new Set(found.map(({ path }) => path));
  };

  it('has each write in the target within the exposure, while writes go on', async (t) => {
    const session = await MemberSession.open({ name: 'the server', ports: { client: server.address.port } });
    const waiting: { readonly zxid: number; readonly atMs: number }[] = [];
    const delays: number[] = [];
    const look = (): void => {
      const zxid = published();
      const now = performance.now();
      while (waiting[0] !== undefined && waiting[0].zxid <= zxid) {
        delays.push(now - (waiting.shift() as { atMs: number }).atMs);
      }
    };
    const end = performance.now() + WRITING_MS;
    let written = 0;
    while (performance.now() < end) {
      const reply = await session.call('create', {
        path: `/n${written++}`,
        data: null,
        acl: [{ perms: 31, scheme: 'world', id: 'anyone' }],
        flags: 0,
      });
      assert.equal(reply.err, 0);
      waiting.push({ zxid: reply.zxid, atMs: performance.now() });
      await pause(5);
      look();
    }
    while (waiting.length > 0) {
      await pause(5);
      look();
      assert.ok(performance.now() < end + 10_000, lines.join('\n'));
    }
    session.end();
    delays.sort((a, b) => a - b);
    const worst = delays.at(-1) as number;
    const median = delays[delays.length >> 1] as number;
    t.diagnostic(
      `${written} writes: in the target after ${Math.round(median)} ms (median), ${Math.round(worst)} ms (worst)`,
    );
    assert.ok(worst < EXPOSURE_MS, `${worst} ms`);
    assert.equal((await restored()).size, written);
  });

  it('ships what was written last when it stops, and goes on there when it starts', async () => {
    const before = (await restored()).size;
    const session = await MemberSession.open({ name: 'the server', ports: { client: server.address.port } });
    for (let i = 0; i < 50; i++) assert.equal(await session.create(`/n${before + i}`, ''), 0);
    session.end();
    await server.stop();
    assert.equal((await restored()).size, before + 50);
    server = await start();
    const again = await MemberSession.open({ name: 'the server', ports: { client: server.address.port } });
    assert.equal(await again.create(`/n${before + 50}`, ''), 0);
    assert.equal(await again.read('/zookeeper/backup'), null);
    again.end();
    await server.stop();
    assert.equal((await restored()).size, before + 51);
    assert.equal(readdirSync(join(target, 'full')).filter((name) => name.endsWith('.json')).length, 1);
  });
});
