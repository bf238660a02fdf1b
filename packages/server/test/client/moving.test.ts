import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { dial, dialClient, serve } from './harness.ts';

describe('a client port that moves', () => {
  it('accepts at the new address alone, and keeps the connections that it has', async (t) => {
    const served = await serve(t);
    const { peer, opened } = await dialClient(t, served);
    const { port } = await served.listener.move(0, '127.0.0.1');
    assert.notEqual(port, served.port);
    await assert.rejects(dial(t, served.port), { code: 'ECONNREFUSED' });
    const other = (await dial(t, port)).read();
    other.socket.write('ruok');
    assert.equal((await other.ended()).toString(), 'answer to ruok\n');
    const before = opened.bytes.length;
    await peer.say(Buffer.from('more'));
    await served.clients.until(() => opened.bytes.length === before + 4);
    assert.equal(opened.closed, 0);
  });

  it('stays where it is when the new address is taken', async (t) => {
    const served = await serve(t);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    t.after(() => taken.close());
    const address = taken.address();
    assert.ok(address !== null && typeof address === 'object');
    await assert.rejects(served.listener.move(address.port, '127.0.0.1'), { code: 'EADDRINUSE' });
    const peer = (await dial(t, served.port)).read();
    peer.socket.write('ruok');
    assert.equal((await peer.ended()).toString(), 'answer to ruok\n');
  });
});
