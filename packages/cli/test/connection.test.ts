import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { CreateMode, ErrorCode, OpCode } from '@headkeeper/protocol';
import { RequestError } from '../src/connection/request-error.ts';
import { parseServerList } from '../src/connection/server-list.ts';
import { ConnectionLost, Session } from '../src/connection/session.ts';
import { ZnodeClient } from '../src/connection/znode-client.ts';
import { bytes, OPEN, ServedFolder } from './served-folder.ts';

/** A server that treats its connections so; resolves to its port. */
async function listening(serve: (socket: Socket) => void): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe('connection', () => {
  let served: ServedFolder;
  before(async () => {
    served = await ServedFolder.start();
  });
  after(() => served.remove());

  it('reads connect strings', () => {
    assert.deepEqual(parseServerList('a:1,[::1]:2,c/x/y'), {
      addresses: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
        { host: 'c', port: 2181 },
      ],
      chroot: '/x/y',
    });
    assert.equal(parseServerList('a:1/').chroot, '');
    assert.throws(() => parseServerList('a:1/x/'), /the chroot "\/x\/" of the connect string ends with \//);
    assert.throws(() => parseServerList('a:0'), /"a:0" is no address/);
  });

  it('takes the first server that gives a session', async () => {
    const dead = await listening((socket) => socket.destroy());
    dead.close();
    for (let i = 0; i < 4; i++) {
      const client = await ZnodeClient.open(parseServerList(`127.0.0.1:${dead.port},${served.address}`), []);
      assert.notEqual(await client.exists('/zookeeper'), null);
      await client.close();
    }
    await assert.rejects(
      ZnodeClient.open(parseServerList(`127.0.0.1:${dead.port}`), []),
      /no server gives a session: 127\.0\.0\.1:\d+: connect ECONNREFUSED/,
    );
  });

  it('does not wait for ever for a session', async () => {
    const silent = await listening(() => {});
    try {
      await assert.rejects(Session.open({ host: '127.0.0.1', port: silent.port }, 50), /no answer within 50 ms/);
    } finally {
      silent.close();
    }
  });

  it('says so when what answers is no server', async () => {
    const other = await listening((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    try {
      await assert.rejects(
        Session.open({ host: '127.0.0.1', port: other.port }, 5000),
        (error) => error instanceof ConnectionLost && /it sent something that is no reply/.test(error.message),
      );
    } finally {
      other.close();
    }
  });

  it('keeps everything below the chroot', async () => {
    const outside = await served.connect();
    await outside.create('/chroot', null, OPEN);
    const inside = await ZnodeClient.open(parseServerList(`${served.address}/chroot`), []);
    await inside.create('/a', bytes('1'), OPEN);
    await inside.multi([
      { type: OpCode.create, body: { path: '/a/b', data: null, acl: OPEN, flags: CreateMode.persistent } },
    ]);
    assert.deepEqual(await inside.getChildren('/'), ['a']);
    assert.deepEqual(await outside.getChildren('/chroot/a'), ['b']);
    await assert.rejects(inside.create('/a', null, OPEN), /^RequestError: create \/a: there is such a znode already/);
    await inside.close();
    await outside.close();
  });

  it('names the znode of an error, and the operation of a multi that failed', async () => {
    const client = await served.connect();
    await client.create('/named', null, OPEN);
    await assert.rejects(
      client.setData('/named', null, 7),
      (error) => error instanceof RequestError && error.code === ErrorCode.badVersion && error.path === '/named',
    );
    await assert.rejects(
      client.multi([
        { type: OpCode.setData, body: { path: '/named', data: bytes('x'), version: 0 } },
        { type: OpCode.check, body: { path: '/named/missing', version: -1 } },
        { type: OpCode.delete, body: { path: '/named', version: -1 } },
      ]),
      (error) => error instanceof RequestError && error.path === '/named/missing' && error.index === 1,
    );
    assert.equal((await client.getData('/named'))?.data, null);
    assert.equal(await client.getData('/named/missing'), null);
    await client.close();
  });

  it('adds identities, and never repeats a password', async () => {
    const acl = [{ perms: 31, scheme: 'auth', id: '' }];
    const owner = await served.connect({ scheme: 'digest', auth: 'user:secret' });
    await owner.create('/owned', bytes('mine'), acl);
    await owner.close();
    const stranger = await served.connect();
    await assert.rejects(
      stranger.getData('/owned'),
      /does not allow that; give an identity that it does allow with --auth/,
    );
    await stranger.close();
    await assert.rejects(
      served.connect({ scheme: 'nonsense', auth: 'user:secret' }),
      (error) => /the identity of scheme "nonsense" was refused/.test(String(error)) && !/secret/.test(String(error)),
    );
  });

  it('answers what is in flight when the server goes, and everything after', async () => {
    const own = await ServedFolder.start();
    const client = await own.connect();
    await client.create('/a', null, OPEN);
    await own.stop();
    await assert.rejects(client.getData('/a'), (error) => error instanceof ConnectionLost);
    await assert.rejects(client.getData('/a'), (error) => error instanceof ConnectionLost);
    await client.close();
    await own.remove();
  });

  it('handles many requests in flight', async () => {
    const client = await served.connect();
    await client.create('/many', null, OPEN);
    await Promise.all(Array.from({ length: 500 }, (_, i) => client.create(`/many/${i}`, bytes(`${i}`), OPEN)));
    const read = await Promise.all(Array.from({ length: 500 }, (_, i) => client.getData(`/many/${i}`)));
    read.forEach((znode, i) => {
      assert.equal(Buffer.from(znode?.data ?? []).toString(), `${i}`);
    });
    await client.close();
  });
});
