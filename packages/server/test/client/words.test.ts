import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { dial, HANDSHAKE, serve } from './harness.ts';

const MASK = Buffer.from([0, 0, 0, 0, 0, 0, 1, 0]);
const TELNET = Buffer.from([0xff, 0xf4, 0xff, 0xfd]);

describe('four-letter words on the client port', () => {
  it('answers a word, then closes', async (t) => {
    const served = await serve(t);
    const peer = (await dial(t, served.port)).read();
    await peer.say('ruok');
    assert.equal((await peer.ended()).toString(), 'answer to ruok\n');
    assert.deepEqual(served.words, ['ruok']);
    assert.equal(served.clients.connections.length, 0);
  });

  it('answers a peer that has closed its half', async (t) => {
    const served = await serve(t);
    const peer = (await dial(t, served.port, { allowHalfOpen: true })).read();
    peer.socket.end('srvr');
    assert.equal((await peer.ended()).toString(), 'answer to srvr\n');
  });

  it('answers a word that comes byte by byte', async (t) => {
    const served = await serve(t);
    const peer = (await dial(t, served.port)).read();
    for (const letter of 'mntr') {
      assert.deepEqual(served.words, []);
      await peer.say(letter);
      await nextTurn();
      await nextTurn();
    }
    assert.equal((await peer.ended()).toString(), 'answer to mntr\n');
    assert.deepEqual(served.words, ['mntr']);
  });

  it('answers once, whatever follows in the same packet', async (t) => {
    const served = await serve(t);
    const peer = (await dial(t, served.port)).read();
    await peer.say('ruok\r\nstat');
    assert.equal((await peer.ended()).toString(), 'answer to ruok\n');
    assert.deepEqual(served.words, ['ruok']);
  });

  it('does not hear what comes after the answer', async (t) => {
    const served = await serve(t);
    const peer = (await dial(t, served.port, { allowHalfOpen: true })).read();
    await peer.say('ruok');
    await peer.hears('answer to ruok\n'.length);
    await peer.say('stat');
    await peer.say(HANDSHAKE);
    peer.socket.end();
    assert.equal((await peer.ended()).toString(), 'answer to ruok\n');
    assert.deepEqual(served.words, ['ruok']);
    assert.equal(served.clients.connections.length, 0);
  });

  it('takes four letters that are no word for a handshake', async (t) => {
    const served = await serve(t);
    const peer = await dial(t, served.port);
    await peer.say('ruOK and more');
    await served.clients.until(() => (served.clients.connections[0]?.bytes.length ?? 0) >= 13);
    assert.equal(served.clients.at(0).bytes.toString(), 'ruOK and more');
    assert.equal(served.clients.at(0).address, '127.0.0.1');
    assert.equal(served.clients.at(0).link.port, peer.socket.localPort);
    assert.deepEqual(served.words, []);
  });

  it('passes on every byte of a handshake that comes byte by byte', async (t) => {
    const served = await serve(t);
    const peer = await dial(t, served.port);
    for (const byte of HANDSHAKE) {
      await peer.say(Buffer.of(byte));
      await nextTurn();
      await nextTurn();
    }
    await served.clients.until(() => (served.clients.connections[0]?.bytes.length ?? 0) >= HANDSHAKE.length);
    assert.deepEqual(served.clients.at(0).bytes, HANDSHAKE);
    assert.equal(served.clients.connections.length, 1);
  });

  it('hears no word from a client', async (t) => {
    const served = await serve(t);
    const peer = await dial(t, served.port);
    await peer.say(HANDSHAKE);
    await served.clients.until(() => (served.clients.connections[0]?.bytes.length ?? 0) >= HANDSHAKE.length);
    await peer.say('ruok');
    await served.clients.until(() => served.clients.at(0).bytes.length >= HANDSHAKE.length + 4);
    assert.deepEqual(served.words, []);
  });

  it('waits for the mask of stmk', async (t) => {
    const served = await serve(t);
    const peer = (await dial(t, served.port)).read();
    await peer.say('stmk');
    for (const byte of MASK) {
      await nextTurn();
      await nextTurn();
      assert.deepEqual(served.words, []);
      await peer.say(Buffer.of(byte));
    }
    assert.equal((await peer.ended()).toString(), 'answer to stmk\n');
  });

  it('answers stmk at once when its mask comes along', async (t) => {
    const served = await serve(t);
    const peer = (await dial(t, served.port)).read();
    await peer.say(Buffer.concat([Buffer.from('stmk'), MASK]));
    assert.equal((await peer.ended()).toString(), 'answer to stmk\n');
    assert.deepEqual(served.words, ['stmk']);
  });

  it('says nothing to a telnet client that closes', async (t) => {
    const served = await serve(t);
    const peer = (await dial(t, served.port)).read();
    await peer.say(TELNET);
    assert.equal((await peer.ended()).length, 0);
    assert.deepEqual(served.words, []);
    assert.equal(served.clients.connections.length, 0);
  });
});
