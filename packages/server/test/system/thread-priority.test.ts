import assert from 'node:assert/strict';
import { once } from 'node:events';
import { getPriority, platform } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

test('a thread gives way, and no other thread of the process does', { skip: platform() !== 'linux' }, async () => {
  const before = getPriority();
  const module = new URL('../../src/adapters/system/thread-priority.js', import.meta.url).href;
  const code = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(module)}).then(({ giveWay }) => {
      giveWay();
      parentPort.postMessage(require('node:os').getPriority());
    });`;
  const worker = new Worker(code, { eval: true });
  const [within] = (await once(worker, 'message')) as [number];
  assert.equal(within, Math.min(19, before + 10));
  assert.equal(getPriority(), before);
  await worker.terminate();
});
