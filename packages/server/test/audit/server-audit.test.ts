import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseServerConfig } from '../../src/config/parse.ts';
import { startServer } from '../../src/main.ts';
import { AdminHarness } from '../admin/http/admin-harness.ts';

const OPEN = [{ perms: 31, scheme: 'world', id: 'anyone' }];

describe('the audit log of a server', { timeout: 60_000 }, () => {
  it('has its start, what its clients did, and its end', async () => {
    const harness = new AdminHarness();
    const file = join(harness.folder, 'audit.log');
    const lines = [...['audit.enable=true', `audit.file=${file}`, 'audit.format=json']];
    const server = await new AdminHarness(lines).start();
    const session = await server.session();
    await session.call('auth', { type: 0, scheme: 'digest', auth: new TextEncoder().encode('ann:secret') });
    await session.create('/a', '');
    await session.call('create', { path: '/e', data: null, acl: OPEN, flags: 1 });
    await session.call('delete', { path: '/gone\n\u202e', version: -1 });
    await session.call('closeSession', null);
    session.end();
    await server.end();
    const text = readFileSync(file, 'utf8');
    const entries = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { operation: string; znode?: string; result: string });
    assert.deepEqual(
      entries.map(({ operation, znode, result }) => [operation, znode, result]),
      [
        ['serverStart', undefined, 'success'],
        ['create', '/a', 'success'],
        ['create', '/e', 'success'],
        ['delete', '/gone\n\u202e', 'failure'],
        ['ephemeralZNodeDeletionOnSessionCloseOrExpire', '/e', 'success'],
        ['serverStop', undefined, 'invoked'],
      ],
    );
    assert.doesNotMatch(text, /secret|\u202e/);
    await harness.end();
  });

  it("goes to the server's log where it has no file, in Apache's words", async () => {
    const server = await new AdminHarness(['audit.enable=true']).start();
    const session = await server.session();
    await session.create('/a', '');
    session.end();
    await server.server.stop();
    const told = server.logged.filter(({ facts }) => 'audit' in facts).map(({ message }) => message);
    assert.match(told[0] ?? '', /^user=[^\t]+\toperation=serverStart\tresult=success$/);
    assert.match(
      told[1] ?? '',
      /\tip=127\.0\.0\.1\toperation=create\tznode=\/a\tznode_type=persistent\tresult=success$/,
    );
    await server.end();
  });

  it('stops the start when its file cannot be had', async () => {
    const harness = new AdminHarness();
    const text = `dataDir=${harness.dataDir}\nclientPort=0\naudit.enable=true\naudit.file=/dev/null/audit.log\n`;
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    await assert.rejects(
      startServer(parseServerConfig(text, { file: null }), { log }),
      /audit\.file=.*(ENOTDIR|EEXIST)/,
    );
    await harness.end();
  });
});
