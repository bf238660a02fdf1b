import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Writer } from '@headkeeper/protocol';
import { limits } from '../../src/limits.ts';
import { dialClient, fillUp, HANDSHAKE, message, serve } from './harness.ts';

for (const age of ['new', 'old'] as const)
  describe(`output to a client whose connection is ${age}`, () => {
    it('reuses its memory when the network takes everything', async (t) => {
      const served = await serve(t);
      const { peer, opened } = await dialClient(t, served, age);
      peer.read();
      const out = new Writer(8192);
      const memory = out.bytes;
      const sent: Buffer[] = [];
      let length = 0;
      for (let i = 0; i < 300; i++) {
        const bytes = message(i);
        sent.push(bytes);
        length += bytes.length;
        out.raw(bytes);
        opened.link.send(out);
        assert.equal(out.length, 0);
        assert.equal(opened.link.unsentBytes, 0);
        assert.equal(out.bytes, memory);
        await peer.hears(length);
      }
      assert.ok(peer.received.equals(Buffer.concat(sent)));
    });

    it('keeps no large memory for a connection', async (t) => {
      const served = await serve(t);
      const { peer, opened } = await dialClient(t, served, age);
      peer.read();
      const out = new Writer();
      out.raw(Buffer.alloc(70_000, 7));
      opened.link.send(out);
      assert.ok(out.bytes.length <= 65_536, `${out.bytes.length} bytes are kept`);
      assert.ok((await peer.hears(70_000)).equals(Buffer.alloc(70_000, 7)));
    });

    it('gives away memory that still waits: a slow reader gets exactly what was sent', async (t) => {
      const served = await serve(t);
      const { peer, opened } = await dialClient(t, served, age);
      const out = new Writer(8192);
      const sent: Buffer[] = [];
      let length = 0;
      let waited = 0;
      for (let i = 0; waited < 2000; i++) {
        const memory = out.bytes;
        const bytes = message(i);
        sent.push(bytes);
        length += bytes.length;
        out.raw(bytes);
        opened.link.send(out);
        assert.equal(out.length, 0);
        if (opened.link.unsentBytes === 0) continue;
        waited++;
        assert.notEqual(out.bytes, memory);
      }
      peer.read();
      const received = await peer.hears(length);
      assert.equal(received.length, length);
      assert.ok(received.equals(Buffer.concat(sent)));
      assert.equal(opened.link.unsentBytes, 0);
      assert.equal(opened.drained, 1);
    });

    it('stops reading above the high water and goes on when everything is taken', async (t) => {
      const served = await serve(t);
      const { peer, opened } = await dialClient(t, served, age);
      fillUp(opened.link, limits.outputHighWater + 1);
      await peer.say('unheard');
      const other = await dialClient(t, served);
      assert.equal(other.opened.closed, 0);
      assert.deepEqual(opened.bytes, HANDSHAKE);
      peer.read();
      await served.clients.until(() => opened.bytes.length > HANDSHAKE.length);
      assert.equal(opened.drained, 1);
      assert.equal(opened.bytes.subarray(HANDSHAKE.length).toString(), 'unheard');
    });

    it('goes on reading below the high water', async (t) => {
      const served = await serve(t);
      const { peer, opened } = await dialClient(t, served, age);
      fillUp(opened.link, 1);
      assert.ok(opened.link.unsentBytes <= limits.outputHighWater);
      await peer.say('heard');
      await served.clients.until(() => opened.bytes.length > HANDSHAKE.length);
      assert.equal(opened.drained, 0);
    });

    it('does not read while the core wants it to wait, whatever the output does', async (t) => {
      const served = await serve(t);
      const { peer, opened } = await dialClient(t, served, age);
      opened.link.pause();
      await peer.say('later');
      fillUp(opened.link, limits.outputHighWater + 1);
      peer.read();
      await served.clients.until(() => opened.drained === 1);
      await dialClient(t, served);
      assert.deepEqual(opened.bytes, HANDSHAKE);
      opened.link.resume();
      await served.clients.until(() => opened.bytes.length > HANDSHAKE.length);
      assert.equal(opened.bytes.subarray(HANDSHAKE.length).toString(), 'later');
    });

    it('does not read for the core while the output is above the high water', async (t) => {
      const served = await serve(t);
      const { peer, opened } = await dialClient(t, served, age);
      fillUp(opened.link, limits.outputHighWater + 1);
      opened.link.pause();
      opened.link.resume();
      await peer.say('later');
      await dialClient(t, served);
      assert.deepEqual(opened.bytes, HANDSHAKE);
      peer.read();
      await served.clients.until(() => opened.bytes.length > HANDSHAKE.length);
    });

    it('cuts off a peer that lets more than the maximum pile up, and no other', async (t) => {
      const served = await serve(t);
      const { opened } = await dialClient(t, served, age);
      const other = await dialClient(t, served);
      const out = new Writer();
      // One reply may be of any size, as long as nothing is waiting.
      out.raw(Buffer.alloc(limits.outputMaximum - 1_000_000));
      opened.link.send(out);
      let last = opened.link.unsentBytes;
      assert.ok(last > 0);
      while (last <= limits.outputMaximum) {
        out.raw(Buffer.alloc(1_000_000));
        opened.link.send(out);
        assert.ok(opened.link.unsentBytes > last, 'cut off too early');
        last = opened.link.unsentBytes;
      }
      out.raw(Buffer.alloc(10));
      opened.link.send(out);
      assert.equal(out.length, 0);
      await served.clients.until(() => opened.closed === 1);
      out.raw(Buffer.alloc(10));
      opened.link.send(out);
      assert.equal(out.length, 0);
      assert.equal(other.opened.closed, 0);
    });
  });

describe('the end of a connection', () => {
  it('comes after everything that was sent before', async (t) => {
    const served = await serve(t);
    const { peer, opened } = await dialClient(t, served);
    const sent = fillUp(opened.link, 3_000_000);
    opened.link.close();
    const out = new Writer();
    out.raw(Buffer.from('too late'));
    opened.link.send(out);
    assert.equal(out.length, 0);
    assert.equal(opened.closed, 0);
    const received = await peer.read().ended();
    assert.equal(received.length, sent.length);
    assert.ok(received.equals(sent));
    assert.equal(peer.failure, null);
    await served.clients.until(() => opened.closed === 1);
  });

  it('does not lose what was sent when the peer has said things that nobody reads', async (t) => {
    const served = await serve(t);
    const { peer, opened } = await dialClient(t, served);
    opened.link.pause();
    await peer.say(Buffer.alloc(300_000));
    const sent = fillUp(opened.link, 1);
    opened.link.close();
    const received = await peer.read().ended();
    assert.equal(received.length, sent.length);
    assert.equal(peer.failure, null);
    assert.deepEqual(opened.bytes, HANDSHAKE);
  });

  it('is told once when the peer closes', async (t) => {
    const served = await serve(t);
    const { peer, opened } = await dialClient(t, served);
    peer.socket.end();
    await served.clients.until(() => opened.closed > 0);
    await served.listener.drain(1000);
    assert.equal(opened.closed, 1);
  });

  it('is told once when the peer resets, with and without output that waits', async (t) => {
    const served = await serve(t);
    for (const waiting of [0, 1, limits.outputHighWater + 1]) {
      const { peer, opened } = await dialClient(t, served);
      if (waiting > 0) fillUp(opened.link, waiting);
      peer.socket.resetAndDestroy();
      await served.clients.until(() => opened.closed > 0);
      const out = new Writer();
      out.raw(Buffer.from('to nobody'));
      opened.link.send(out);
      assert.equal(out.length, 0);
      opened.link.pause();
      opened.link.resume();
      opened.link.close();
      assert.equal(opened.closed, 1);
    }
    assert.equal((await dialClient(t, served)).opened.closed, 0);
  });
});

describe('draining the listener', () => {
  it('is done at once without connections', async (t) => {
    const served = await serve(t);
    served.listener.stop();
    await served.listener.drain(600_000);
  });

  it('waits for those that still read', async (t) => {
    const served = await serve(t);
    const { peer, opened } = await dialClient(t, served);
    const sent = fillUp(opened.link, 3_000_000);
    served.listener.stop();
    opened.link.close();
    let isDrained = false;
    const drained = served.listener.drain(600_000).then(() => {
      isDrained = true;
    });
    await nextTurn();
    assert.equal(isDrained, false);
    assert.ok((await peer.read().ended()).equals(sent));
    await drained;
    assert.equal(opened.closed, 1);
  });

  it('ends those that stay', async (t) => {
    const served = await serve(t);
    const stubborn = await dialClient(t, served);
    fillUp(stubborn.opened.link, 1);
    const idle = await dialClient(t, served);
    served.listener.stop();
    stubborn.opened.link.close();
    await served.listener.drain(1);
    assert.equal(stubborn.opened.closed, 1);
    assert.equal(idle.opened.closed, 1);
  });
});
