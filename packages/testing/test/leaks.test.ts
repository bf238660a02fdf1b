import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { TestEnsemble, TestServer } from '@headkeeper/testing';
import { SocketClient } from './socket-client.ts';

const MOST_BYTES_PER_SERVER = 10_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Heap that is in use once all garbage is gone: what finalizers let go is garbage of the next time. */
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}

async function oneLife(): Promise<void> {
  const server = await TestServer.start();
  const client = await SocketClient.open(server.port);
  await client.create('/a');
  server.pause();
  server.resume();
  await server.kill();
  await server.restart();
  await server.reset();
  await server.stop();
  client.destroy();
}

describe('what test servers leave behind', { timeout: 120_000 }, () => {
  it('is no memory, no handle and no descriptor after hundreds of them', async () => {
    for (let i = 0; i < 100; i++) await oneLife();
    await (await TestEnsemble.start(3))[Symbol.asyncDispose]();
    const before = {
      heap: await heapBytes(),
      resources: process.getActiveResourcesInfo().length,
      files: descriptors(),
    };
    for (let i = 0; i < 300; i++) await oneLife();
    for (let i = 0; i < 20; i++) {
      const ensemble = await TestEnsemble.start(3);
      await ensemble.killLeader();
      await ensemble[Symbol.asyncDispose]();
    }
    const after = { heap: await heapBytes(), resources: process.getActiveResourcesInfo().length, files: descriptors() };
    assert.ok(after.heap - before.heap < 360 * MOST_BYTES_PER_SERVER, `${after.heap - before.heap} bytes more`);
    assert.ok(after.resources <= before.resources, `${process.getActiveResourcesInfo()}`);
    assert.ok(after.files <= before.files, `${after.files} descriptors, ${before.files} before`);
  });

  it('does not keep the process alive, stopped, killed or paused and killed', async () => {
    const program = `
      import { TestEnsemble, TestServer } from '@headkeeper/testing';
      const server = await TestServer.start();
      await server.stop();
      const other = await TestServer.start();
      other.pause();
      await other.kill();
      const ensemble = await TestEnsemble.start(3);
      await ensemble.killLeader();
      await ensemble.stop();
      console.log('done');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: new URL('.', import.meta.url),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (bytes) => {
      text += bytes;
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(text, 'done\n');
    assert.equal(code, 0);
  });
});

/** Open descriptors of this process; 0 where the system does not tell. */
function descriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
