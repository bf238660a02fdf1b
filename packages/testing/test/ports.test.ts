import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { findPorts, HOST } from '../src/network/ports.ts';

const PORTS_EACH = 90;

/** The ports that another thread finds, and how to end it. */
async function foundElsewhere(): Promise<{ ports: number[]; end: () => Promise<unknown> }> {
  const program = `
    import { findPorts } from '${new URL('../src/network/ports.js', import.meta.url)}';
    import { parentPort } from 'node:worker_threads';
    parentPort.postMessage(await findPorts(${PORTS_EACH}));
    parentPort.on('message', () => {});`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
  const [ports] = await once(worker, 'message');
  return { ports, end: () => worker.terminate() };
}

describe('the ports of test servers', { timeout: 30_000 }, () => {
  it('are nobody else’s, whether something listens there or not', async () => {
    const others = await Promise.all(Array.from({ length: 8 }, foundElsewhere));
    try {
      const all = [...others.flatMap(({ ports }) => ports), ...(await findPorts(PORTS_EACH))];
      assert.equal(new Set(all).size, 9 * PORTS_EACH);
    } finally {
      await Promise.all(others.map(({ end }) => end()));
    }
  });

  it('are as many as are asked for, without those that are taken', async () => {
    const [taken] = (await findPorts(1)) as [number];
    const server = createServer().listen(taken, HOST);
    await once(server, 'listening');
    for (let round = 0; round < 3; round++) {
      const ports = await findPorts(500);
      assert.equal(new Set(ports).size, 500);
      assert.ok(!ports.includes(taken));
    }
    server.close();
  });
});
