import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { TestingError, TestServer, type TestServerOptions } from '@headkeeper/testing';
import { SocketClient } from './socket-client.ts';

const EPHEMERAL = 1;
const NO_AUTH = -102;

/** A server that ends with the test. */
async function started(t: TestContext, options: TestServerOptions = {}): Promise<TestServer> {
  const server = await TestServer.start(options);
  t.after(() => server[Symbol.asyncDispose]());
  return server;
}

/** A client that ends with the test. */
async function joined(
  t: TestContext,
  port: number,
  ...options: Parameters<typeof SocketClient.open> extends [number, ...infer Rest] ? Rest : never
): Promise<SocketClient> {
  const client = await SocketClient.open(port, ...options);
  t.after(() => client.destroy());
  return client;
}

/** What a server answers to a four-letter word. */
function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(word));
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

const reattach = (client: SocketClient): { sessionId: bigint; passwd: Uint8Array } => ({
  sessionId: client.sessionId,
  passwd: client.raw.passwd,
});

describe('TestServer', () => {
  it('serves clients at the address that it names', async (t) => {
    const [one, other] = await Promise.all([started(t), started(t)]);
    assert.equal(one.connectString, `127.0.0.1:${one.port}`);
    assert.notEqual(one.port, other.port);
    const client = await joined(t, one.port);
    await client.create('/a', 'text');
    assert.equal(await client.read('/a'), 'text');
    assert.equal(await (await joined(t, other.port)).read('/a'), null);
    assert.equal(await ask(one.port, 'ruok'), 'imok');
    assert.deepEqual(one.sessions(), [client.sessionId]);
  });

  it('has every acknowledged write, and the sessions, after it was killed and started again', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port);
    await client.create('/a', 'text');
    await client.create('/mine', '', EPHEMERAL);
    await server.kill();
    await client.closed();
    assert.equal(server.state, 'stopped');
    await assert.rejects(SocketClient.open(server.port), { code: 'ECONNREFUSED' });
    await server.restart();
    const again = await joined(t, server.port, reattach(client));
    assert.equal(again.sessionId, client.sessionId);
    assert.equal(await again.read('/a'), 'text');
    assert.equal(await again.read('/mine'), '');
  });

  it('answers what is under way before it stops', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port);
    const replies = Promise.all(['/a', '/b', '/c'].map((path) => client.create(path)));
    // The server has the requests as soon as it has answered a word that came after them.
    await ask(server.port, 'ruok');
    await server.stop();
    assert.deepEqual(await replies, ['/a', '/b', '/c']);
    await client.closed();
    await server.restart();
    assert.deepEqual(await (await joined(t, server.port)).children('/'), ['a', 'b', 'c', 'zookeeper']);
  });

  it('stays as it is when it is stopped or killed once more, and starts again with all its data', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port);
    for (const [path, endings] of [
      ['/stopped', [() => server.stop(), () => server.kill(), () => server.stop(), () => server.kill()]],
      ['/killed', [() => server.kill(), () => server.stop(), () => server.kill({ keepUnsynced: true })]],
      ['/at-once', [() => Promise.all([server.stop(), server.kill(), server.stop(), server.kill()])]],
    ] as const) {
      const writer = path === '/stopped' ? client : await joined(t, server.port);
      await writer.create(path);
      for (const end of endings) {
        await end();
        assert.equal(server.state, 'stopped');
        assert.equal(server.failure, null);
      }
      await assert.rejects(SocketClient.open(server.port), { code: 'ECONNREFUSED' });
      assert.throws(() => server.pause(), { name: 'TestingError', message: /does not run; restart\(\) it first/ });
      await server.restart();
      assert.equal(server.state, 'running');
      assert.equal(await (await joined(t, server.port)).read(path), '');
    }
    await server.restart();
    const last = await joined(t, server.port);
    assert.deepEqual(await last.children('/'), ['at-once', 'killed', 'stopped', 'zookeeper']);
  });

  it('keeps its data in a folder if it is given one, which nobody else may use meanwhile', async (t) => {
    const dir = mkdtempSync(`${tmpdir()}/testing-`);
    t.after(() => rmSync(dir, { recursive: true }));
    const first = await started(t, { dir });
    await (await joined(t, first.port)).create('/a', 'kept');
    await assert.rejects(TestServer.start({ dir }), { name: 'TestingError', message: /is in use/ });
    await first.kill();
    const second = await started(t, { dir });
    assert.equal(await (await joined(t, second.port)).read('/a'), 'kept');
  });

  it('answers nobody while it is paused, and everybody afterwards', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port);
    server.pause();
    assert.equal(server.state, 'paused');
    const late = client.create('/late');
    const newcomer = SocketClient.knock(server.port);
    t.after(() => newcomer.destroy());
    const word = ask(server.port, 'ruok');
    const answered: string[] = [];
    void late.then(() => answered.push('client'));
    void word.then(() => answered.push('word'));
    // A server that runs answers within far fewer turns of the same loop.
    for (let turns = 0; turns < 200; turns++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([...answered, newcomer.isAnswered, newcomer.isClosed], [false, false]);
    server.resume();
    assert.equal(await late, '/late');
    assert.equal(await word, 'imok');
    await newcomer.answered();
    assert.equal(server.state, 'running');
  });

  it('stops although it is paused, and starts again', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port);
    await client.create('/a');
    server.pause();
    await server.stop();
    await client.closed();
    await server.restart();
    assert.equal(await (await joined(t, server.port)).read('/a'), '');
  });

  it('counts no time in which the whole process stands still', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port, { timeOut: 400 });
    await client.create('/mine', '', EPHEMERAL);
    const until = performance.now() + 900;
    while (performance.now() < until);
    // What was due by then has happened when the servers have had their turns.
    await server.advance(0);
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(server.sessions(), [client.sessionId]);
    await server.advance(600);
    assert.deepEqual(server.sessions(), []);
  });

  it('disconnects its clients, whose sessions live on, and refuses new ones', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port);
    server.refuseClients();
    await client.create('/still-here');
    server.disconnectClients();
    await client.closed();
    await assert.rejects(SocketClient.open(server.port));
    server.acceptClients();
    const again = await joined(t, server.port, reattach(client));
    assert.equal(again.sessionId, client.sessionId);
  });

  it('expires a session: its connection, its ephemerals and its right to come back are gone', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port);
    const other = await joined(t, server.port);
    await client.create('/mine', '', EPHEMERAL);
    await other.must('exists', { path: '/mine', watch: true });
    await server.expireSession(client.sessionId);
    assert.deepEqual(server.sessions(), [other.sessionId]);
    assert.equal((await other.event()).path, '/mine');
    await client.closed();
    assert.equal((await joined(t, server.port, reattach(client))).sessionId, 0n);
    await assert.rejects(server.expireSession(client.sessionId), { name: 'TestingError', message: /no session 0x1/ });
  });

  it('expires what has not been heard of by the time that its clock is advanced to', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port, { timeOut: 10_000 });
    await client.create('/mine', '', EPHEMERAL);
    await server.advance(9_000);
    assert.deepEqual(server.sessions(), [client.sessionId]);
    await server.advance(2_000);
    assert.deepEqual(server.sessions(), []);
    assert.equal(await (await joined(t, server.port)).read('/mine'), null);
    // The time that znodes carry has gone on, too.
    const before = Date.now();
    await server.advance(3_600_000);
    const late = await joined(t, server.port);
    await late.create('/late');
    const stat = (await late.must('exists', { path: '/late', watch: false })).body?.stat;
    assert.ok(Number(stat?.ctime) >= before + 3_600_000, `${stat?.ctime} is not an hour after ${before}`);
  });

  it('ends by itself when its disk fails, acknowledges nothing after that, and comes back with what it had', async (t) => {
    const server = await started(t);
    for (const [at, fault] of (
      [
        ['sync', 'EIO'],
        ['write', 'ENOSPC'],
      ] as const
    ).entries()) {
      const [operation, code] = fault;
      const client = await joined(t, server.port);
      await client.create(`/before${at}`);
      server.failDisk({ operation, code });
      await assert.rejects(client.create(`/after${at}`));
      const failure = await server.waitUntilFailed();
      assert.equal(failure.exitCode, 10);
      assert.match(failure.message, new RegExp(code));
      assert.equal(server.state, 'failed');
      await server.restart();
      const again = await joined(t, server.port);
      assert.equal(await again.read(`/before${at}`), '');
      assert.equal(await again.read(`/after${at}`), null);
    }
  });

  it('lets so many operations of the disk succeed first', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port);
    await client.create('/first');
    server.failDisk({ operation: 'sync', code: 'EIO', after: 2 });
    await client.create('/second');
    await client.create('/third');
    await assert.rejects(client.create('/fourth'));
    await server.waitUntilFailed();
  });

  it('begins afresh: no znode and no session is left, and transaction ids go on', async (t) => {
    const server = await started(t);
    const client = await joined(t, server.port);
    for (const path of ['/a', '/a/b', '/a/b/c', '/ü', '/zookeeper/quota/a']) await client.create(path, 'data');
    await client.create('/mine', '', EPHEMERAL);
    await client.must('setData', { path: '/', data: Buffer.from('root'), version: -1 });
    await client.must('setACL', { path: '/', acl: [{ perms: 1, scheme: 'world', id: 'anyone' }], version: -1 });
    const denied = await client.call('create', {
      path: '/no',
      data: null,
      acl: [{ perms: 31, scheme: 'world', id: 'anyone' }],
      flags: 0,
    });
    assert.equal(denied.err, NO_AUTH);
    await server.reset();
    assert.deepEqual(server.sessions(), []);
    await client.closed();
    assert.equal((await joined(t, server.port, reattach(client))).sessionId, 0n);
    // A client that has seen the last transaction before is not sent away.
    const again = await joined(t, server.port, { lastZxidSeen: denied.zxid });
    assert.deepEqual(await again.children('/'), ['zookeeper']);
    assert.deepEqual(await again.children('/zookeeper/quota'), []);
    assert.equal(await again.read('/'), '');
    await again.create('/a', 'new');
    assert.equal(await again.read('/a'), 'new');
  });

  it('resets thousands of znodes, again and again, and only what was written before', async (t) => {
    const server = await started(t);
    for (let round = 0; round < 3; round++) {
      const client = await joined(t, server.port);
      await client.create('/many');
      await Promise.all(Array.from({ length: 3000 }, (_none, i) => client.create(`/many/${'x'.repeat(i % 200)}${i}`)));
      const reset = server.reset();
      const newcomer = await joined(t, server.port);
      await newcomer.create('/after');
      await reset;
      assert.deepEqual(await newcomer.children('/'), ['after', 'zookeeper']);
    }
  });

  it('says what is wrong with its options', async () => {
    const wrong: readonly (readonly [TestServerOptions, RegExp])[] = [
      [{ port: 0 }, /port: expected a number from 1 to 65535/],
      [{ dir: '' }, /dir: expected the path of a folder/],
      [{ prot: 2181 } as TestServerOptions, /unknown option prot: there are port, dir, settings, log/],
      [{ settings: { tickTime: 'fast' } }, /tickTime=fast: expected/],
      [{ settings: { tickTme: 100 } }, /tickTme is unknown.*did you mean tickTime/],
      [{ settings: { clientPort: 2181 } }, /clientPort is given by the options dir and port/],
      [{ settings: { 'server.1': 'a:1:2' } }, /server\.1 is given by how many servers/],
      [{ log: {} as TestServerOptions['log'] & object }, /log: expected something with info, warn and error/],
      [{ dir: '/dev/null/x' }, /does not start/],
    ];
    for (const [options, message] of wrong) {
      await assert.rejects(TestServer.start(options), { name: 'TestingError', message });
    }
  });

  it('says what cannot be done now, and what to do', async (t) => {
    const server = await started(t, { settings: { tickTime: 50 } });
    assert.throws(
      () => server.failDisk({ operation: 'sync', code: 'EPERM' as 'EIO' }),
      /code: expected 'EIO' or 'ENOSPC'/,
    );
    await assert.rejects(server.advance(-1), /expected milliseconds, 0 or more/);
    await assert.rejects(server.expireSession('1' as unknown as bigint), /as a bigint/);
    await assert.rejects(TestServer.start({ port: server.port }), {
      name: 'TestingError',
      message: /cannot listen on port/,
    });
    server.pause();
    await assert.rejects(server.reset(), /is paused; resume\(\) it first/);
    await server.kill();
    assert.throws(() => server.pause(), TestingError);
    assert.throws(() => server.disconnectClients(), /does not run; restart\(\) it first/);
    await assert.rejects(server.reset(), /does not run; restart\(\) it first/);
  });
});
