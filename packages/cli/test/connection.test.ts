import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ZooKeeperError } from '@headkeeper/client';
import { openSession } from '../src/connection/open-session.ts';
import { requestText } from '../src/connection/request-text.ts';
import { parseServerList } from '../src/connection/server-list.ts';
import { ServedFolder } from './served-folder.ts';

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
      const client = await openSession(`127.0.0.1:${dead.port},${served.address}`, 2, []);
      assert.notEqual(await client.exists('/zookeeper'), null);
      await client.close();
    }
    await assert.rejects(
      openSession(`127.0.0.1:${dead.port}`, 1, []),
      /no server gives a session: 127\.0\.0\.1:\d+: connect ECONNREFUSED/,
    );
  });

  it('does not wait for ever for a session', async () => {
    const silent = await listening(() => {});
    try {
      await assert.rejects(openSession(`127.0.0.1:${silent.port}`, 1, [], {}, 50), /no session within 50 ms/);
    } finally {
      silent.close();
    }
  });

  it('says so when what answers is no server', async () => {
    const other = await listening((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    try {
      await assert.rejects(
        openSession(`127.0.0.1:${other.port}`, 1, [], {}, 5000),
        /no server gives a session: 127\.0\.0\.1:\d+: .*(frame|length|bytes)/,
      );
    } finally {
      other.close();
    }
  });

  it('explains the errors whose names do not', async () => {
    const client = await served.connect();
    await client.create('/named');
    const failed = async (request: Promise<unknown>): Promise<string> => {
      const error = await request.then(
        () => null,
        (failure: unknown) => failure,
      );
      assert.ok(error instanceof ZooKeeperError);
      return requestText(error);
    };
    assert.equal(await failed(client.create('/named')), 'create /named: there is such a znode already (nodeExists)');
    assert.equal(
      await failed(client.setData('/named', null, { version: 7 })),
      'setData /named: it was changed meanwhile (badVersion)',
    );
    assert.equal(await failed(client.getData('/none')), 'getData /none: there is no such znode (noNode)');
    await client.close();
  });

  it('adds identities, and never repeats a password', async () => {
    const acl = [{ perms: 31, scheme: 'auth', id: '' }];
    const owner = await served.connect({ scheme: 'digest', auth: 'user:secret' });
    await owner.create('/owned', 'mine', { acl });
    await owner.close();
    const stranger = await served.connect();
    await assert.rejects(
      stranger.getData('/owned'),
      (error) =>
        error instanceof ZooKeeperError &&
        /does not allow that; give an identity that it does allow with --auth/.test(requestText(error)),
    );
    await stranger.close();
    await assert.rejects(
      served.connect({ scheme: 'nonsense', auth: 'user:secret' }),
      (error) => /the identity of scheme "nonsense" was refused/.test(String(error)) && !/secret/.test(String(error)),
    );
  });
});
