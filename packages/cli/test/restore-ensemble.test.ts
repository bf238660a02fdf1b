import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { after, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@headkeeper/client';
import { isFree } from '@headkeeper/testkit';
import { openSession } from '../src/connection/open-session.ts';
import { ExitCode } from '../src/exit-codes.ts';
import { type Finished, finished, headkeeper, start, vectorFile } from './headkeeper-process.ts';
import { bytes, lines } from './served-folder.ts';

const PATIENCE_MS = 60_000;
const SERVERS = [1, 2, 3];
const EPOCH = 4294967296;

const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-restored-'));
const running: Map<number, { readonly child: ChildProcess; readonly end: Promise<Finished> }> = new Map();
after(async () => {
  await Promise.all(SERVERS.map(kill));
  rmSync(folder, { recursive: true });
});

/** The first of nine free ports in a row. */
async function freeBase(): Promise<number> {
  for (let base = 26_000 + (process.pid % 400) * 10; ; base += 9) {
    const free = await Promise.all(Array.from({ length: 9 }, (_, at) => isFree(base + at)));
    if (free.every(Boolean)) return base;
  }
}

function run(sid: number, dataDir: string, base: number): void {
  const members = SERVERS.map((each) => `server.${each}=127.0.0.1:${base + 2 + each}:${base + 5 + each}`);
  const config = path.join(folder, `server-${sid}.cfg`);
  const lines = [
    `dataDir=${dataDir}`,
    `clientPort=${base + sid - 1}`,
    'clientPortAddress=127.0.0.1',
    'tickTime=500',
    'initLimit=20',
    'syncLimit=10',
    'admin.enableServer=false',
    // Everything is to be compared.
    'skipACL=yes',
    'zookeeper.extendedTypesEnabled=true',
    ...members,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const child = start(['server', config]);
  running.set(sid, { child, end: finished(child) });
}

async function kill(sid: number): Promise<void> {
  const server = running.get(sid);
  server?.child.kill('SIGKILL');
  await server?.end;
}

/** A session with one of the servers, as soon as it serves. */
async function connect(port: number): Promise<Client> {
  const giveUp = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await openSession(`127.0.0.1:${port}`, 1, []);
    } catch (error) {
      if (performance.now() > giveUp) throw error;
      await pause(50);
    }
  }
}

describe('an ensemble of restored servers', () => {
  it('serves the state in a new epoch and goes on; a server that comes back with its old data follows', async () => {
    const apache = path.dirname(path.dirname(vectorFile('datadir-alltypes/data/version-2/snapshot.0')));
    const target = path.join(folder, 'backup');
    const taken = await headkeeper(['backup', 'now', '--data-dir', apache, '--target', target]);
    assert.equal(taken.code, 0, taken.stderr);
    const dataDirs = path.join(folder, 'restored');
    const words = ['restore', '--target', target, '--data-dir', dataDirs, '--servers', SERVERS.join(',')];
    const restored = await headkeeper([...words, '--json']);
    assert.equal(restored.code, 0, restored.stderr);
    const { zxid, newEpoch, ephemerals } = JSON.parse(restored.stdout) as Record<string, unknown>;

    const base = await freeBase();
    for (const sid of SERVERS) run(sid, path.join(dataDirs, String(sid)), base);
    const [writer, ...others] = await Promise.all(SERVERS.map((sid) => connect(base + sid - 1)));
    for (const sid of SERVERS) {
      const now = ['now', '--server', `127.0.0.1:${base + sid - 1}`];
      const { code, stdout, stderr } = await headkeeper(['diff', `${zxid}`, ...now, '--target', target, '--json']);
      assert.equal(code, ExitCode.different, stderr);
      const gone = lines<{ change: string; before: { kind: string } }>(stdout);
      const expected = Array.from({ length: Number(ephemerals) }, () => ['removed', 'ephemeral']);
      assert.deepEqual(
        gone.map(({ change, before }) => [change, before.kind]),
        expected,
      );
    }
    await writer?.create('/after', bytes('the restore'));
    const stat = await writer?.exists('/after');
    assert.ok(Math.floor((stat?.czxid ?? 0) / EPOCH) > Number(newEpoch), `${stat?.czxid}`);

    await kill(3);
    const old = path.join(folder, 'old');
    cpSync(apache, old, { recursive: true });
    writeFileSync(path.join(old, 'myid'), '3\n');
    run(3, old, base);
    const late = await connect(base + 2);
    await late.sync('/after');
    assert.deepEqual(await late.getData('/after'), await writer?.getData('/after'));
    await Promise.all([writer, late, ...others].map((client) => client?.close()));
  });
});
