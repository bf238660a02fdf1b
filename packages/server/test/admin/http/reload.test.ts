import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseServerConfig } from '../../../src/config/parse.ts';
import type { ServerConfig } from '../../../src/config/schema.ts';
import { startServer } from '../../../src/main.ts';
import { digest } from './admin-harness.ts';

const QUIET = { info: () => {}, warn: () => {}, error: () => {} };

test('an operator reloads the configuration over HTTP, and a bad one changes nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-reload-'));
  let lines = ['maxCnxns=5'];
  const readConfig = (): ServerConfig => {
    const own = [`dataDir=${folder}`, 'clientPort=0', 'clientPortAddress=127.0.0.1', 'admin.serverPort=0'];
    return parseServerConfig([...own, 'preAllocSize=64', ...lines].join('\n'), { file: null });
  };
  const server = await startServer(readConfig(), { log: QUIET, readConfig });
  try {
    const base = `http://127.0.0.1:${server.adminAddress?.port}/commands`;
    const reload = async (): Promise<[number, Record<string, unknown>]> => {
      const init = { method: 'POST', headers: digest('ops', 'secret') };
      const response = await fetch(`${base}/reload_configuration`, init);
      return [response.status, (await response.json()) as Record<string, unknown>];
    };
    lines = ['maxCnxns=7', 'tickTime=2500', 'fsync.warningthresholdms=17'];
    const [status, { changed, need_restart, read_anew, error }] = await reload();
    assert.deepEqual([status, error, read_anew], [200, null, []]);
    assert.deepEqual(changed, [
      { key: 'maxCnxns', from: '5', to: '7' },
      { key: 'fsync.warningthresholdms', from: '1000', to: '17' },
    ]);
    assert.deepEqual((need_restart as { key: string }[])[0], { key: 'tickTime', from: '3000', to: '2500' });
    lines = ['maxCnxns=many'];
    const [refused, answer] = await reload();
    assert.equal(refused, 409);
    assert.match(String(answer.error), /^nothing has changed: .*maxCnxns=many: expected/);
    const shown = await (await fetch(`${base}/settings`)).text();
    assert.match(shown, /"key" : "maxCnxns",\s+"value" : "7"/);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
});
