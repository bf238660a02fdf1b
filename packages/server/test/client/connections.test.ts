import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { dial, dialClient, fillUp, HANDSHAKE, type Peer, type Served, SILENT_MS, serve } from './harness.ts';

/** Whether a new connection is served: it is a client's, and not closed. */
async function isServed(t: TestContext, served: Served, from = '127.0.0.1'): Promise<boolean> {
  const before = served.refused.length;
  const peer = (await dial(t, served.port, { from })).read();
  peer.socket.write('ruok');
  const heard = await peer.ended();
  assert.equal(heard.length === 0, served.refused.length === before + 1);
  return heard.length > 0;
}

/** Ends a client's connection and waits until the server knows. */
async function hangUp(served: Served, peer: Peer, id: number): Promise<void> {
  peer.socket.destroy();
  await served.clients.until(() => served.clients.at(id).closed === 1);
}

describe('limits of connections', () => {
  it('refuses more than maxClientCnxns of one address, until one ends', async (t) => {
    const served = await serve(t, { maxPerAddress: 2 });
    const first = await dialClient(t, served);
    await dialClient(t, served);
    assert.equal(await isServed(t, served), false);
    assert.equal(await isServed(t, served), false);
    assert.equal(served.listener.rejected, 2);
    assert.equal(served.refused[0]?.address, '127.0.0.1');
    assert.match(served.refused[0]?.reason ?? '', /maxClientCnxns/);
    await hangUp(served, first.peer, first.id);
    assert.equal(await isServed(t, served), true);
    assert.equal(served.listener.rejected, 2);
  });

  // Elsewhere the loopback interface has one address only.
  it('counts each address by itself', { skip: process.platform !== 'linux' }, async (t) => {
    const served = await serve(t, { maxPerAddress: 1 });
    await dialClient(t, served);
    assert.equal(await isServed(t, served), false);
    assert.equal(await isServed(t, served, '127.0.0.2'), true);
  });

  it('refuses more than maxCnxns in all, until one ends', async (t) => {
    const served = await serve(t, { maxTotal: 2 });
    const first = await dialClient(t, served);
    await dialClient(t, served);
    assert.equal(await isServed(t, served), false);
    assert.match(served.refused[0]?.reason ?? '', /maxCnxns/);
    await hangUp(served, first.peer, first.id);
    assert.equal(await isServed(t, served), true);
  });

  it('counts a word asked and a connection reset only as long as they last', async (t) => {
    const served = await serve(t, { maxPerAddress: 1, maxTotal: 1 });
    for (let round = 0; round < 20; round++) {
      assert.equal(await isServed(t, served), true);
      // The answered connection leaves the count when the server has seen the peer's end, soon after the peer has.
      await served.listener.drain(1000);
      const { peer, id } = await dialClient(t, served);
      assert.equal(await isServed(t, served), false);
      peer.socket.resetAndDestroy();
      await served.clients.until(() => served.clients.at(id).closed === 1);
    }
    assert.equal(served.listener.rejected, 20);
  });

  it('refuses nobody without limits', async (t) => {
    const served = await serve(t, { maxPerAddress: 0, maxTotal: -1 });
    for (let i = 0; i < 100; i++) await dialClient(t, served);
    assert.equal(served.listener.rejected, 0);
  });

  it('rejects when the port is taken', async (t) => {
    const served = await serve(t);
    await assert.rejects(serve(t, { port: served.port }), { code: 'EADDRINUSE' });
  });
});

describe('silent connections', () => {
  it('are closed after their time, and not before; clients stay', async (t) => {
    const served = await serve(t);
    const silent = (await dial(t, served.port)).read();
    const begun = (await dial(t, served.port)).read();
    await begun.say('ru');
    const { peer: client, opened } = await dialClient(t, served);
    served.clock.now += 1;
    // Its time is up one millisecond later.
    const late = (await dial(t, served.port)).read();
    const marker = await dialClient(t, served);
    served.clock.now += SILENT_MS - 1;
    assert.equal((await silent.ended()).length, 0);
    assert.equal((await begun.ended()).length, 0);
    assert.equal(late.isClosed, false);
    assert.equal(client.isClosed, false);
    await client.say('x');
    await served.clients.until(() => opened.bytes.length === HANDSHAKE.length + 1);
    assert.equal(marker.opened.closed, 0);
    await late.say('ruok');
    assert.equal((await late.ended()).toString(), 'answer to ruok\n');
  });

  it('are closed when they were answered a word and stay', async (t) => {
    const served = await serve(t);
    const staying = (await dial(t, served.port, { allowHalfOpen: true })).read();
    await staying.say('ruok');
    await staying.hears('answer to ruok\n'.length);
    const drained = served.listener.drain(600_000);
    served.clock.now += SILENT_MS;
    await drained;
    assert.equal(staying.isClosed, false);
  });

  it('are closed when they do not take what is left to send to a client that is closed', async (t) => {
    const served = await serve(t);
    const { opened } = await dialClient(t, served);
    const { opened: later } = await dialClient(t, served);
    const { opened: open } = await dialClient(t, served);
    for (const { link } of [opened, later, open]) fillUp(link, 1);
    // What counts is the time since the close.
    served.clock.now += SILENT_MS;
    opened.link.close();
    served.clock.now += 1;
    later.link.close();
    served.clock.now += SILENT_MS - 1;
    await served.clients.until(() => opened.closed === 1);
    assert.equal(later.closed, 0);
    served.clock.now += 1;
    await served.clients.until(() => later.closed === 1);
    assert.equal(open.closed, 0);
  });
});
