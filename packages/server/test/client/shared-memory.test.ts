import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { readIntoSharedMemory } from '../../src/adapters/tcp/shared-memory.ts';
import { dialClient, HANDSHAKE, message, serve } from './harness.ts';

/** Both ends of a connection. */
async function pair(t: TestContext): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const far = connect(address.port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    far.destroy();
    server.close();
  });
  return { near, far };
}

describe('reading into shared memory', () => {
  it('hands over what comes, and tells the end', async (t) => {
    const { near, far } = await pair(t);
    const received: Buffer[] = [];
    near.resume();
    const next = readIntoSharedMemory(near, (bytes) => received.push(Buffer.from(bytes)));
    assert.ok(next !== null, 'this release of Node has no such way of reading');
    t.after(() => next.destroy());
    const sent = Buffer.alloc(1_000_000, message(7));
    far.end(sent);
    await once(next, 'end');
    assert.ok(Buffer.concat(received).equals(sent));
    await once(next, 'close');
  });

  it('leaves a connection alone that has something unread, unsent, or is not read', async (t) => {
    const { near, far } = await pair(t);
    near.pause();
    assert.equal(
      readIntoSharedMemory(near, () => {}),
      null,
    );
    near.resume();
    while (near.writableLength === 0) near.write(Buffer.alloc(1_000_000));
    assert.equal(
      readIntoSharedMemory(near, () => {}),
      null,
    );
    const [bytes] = await Promise.all([once(near, 'data'), new Promise((said) => far.write('still heard', said))]);
    assert.equal(String(bytes[0]), 'still heard');
    near.destroy();
    assert.equal(
      readIntoSharedMemory(near, () => {}),
      null,
    );
  });

  it('keeps the pieces of clients apart', async (t) => {
    const served = await serve(t);
    const clients: Awaited<ReturnType<typeof dialClient>>[] = [];
    while (clients.length < 8) clients.push(await dialClient(t, served, 'old'));
    const expected = clients.map(() => [HANDSHAKE]);
    for (let round = 0; round < 20; round++) {
      for (const [i, { peer }] of clients.entries()) {
        const bytes = message(round * 8 + i);
        expected[i]?.push(bytes);
        void peer.say(bytes);
      }
    }
    for (const [i, { opened }] of clients.entries()) {
      const all = Buffer.concat(expected[i] as Buffer[]);
      await served.clients.until(() => opened.bytes.length >= all.length);
      assert.ok(opened.bytes.equals(all));
    }
  });

  it('tells that an old client is gone, whoever closes', async (t) => {
    const served = await serve(t);
    const left = await dialClient(t, served, 'old');
    left.peer.socket.end();
    await served.clients.until(() => left.opened.closed === 1);
    const reset = await dialClient(t, served, 'old');
    reset.peer.socket.resetAndDestroy();
    await served.clients.until(() => reset.opened.closed === 1);
    const closed = await dialClient(t, served, 'old');
    closed.peer.read();
    closed.opened.link.close();
    await closed.peer.ended();
    await served.clients.until(() => closed.opened.closed === 1);
    assert.deepEqual(
      served.clients.connections.map((each) => each.closed),
      [1, 1, 1],
    );
  });
});
