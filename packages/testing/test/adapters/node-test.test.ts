import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { useEnsemble, useServer } from '@headkeeper/testing/node-test';
import { SocketClient } from '../socket-client.ts';

describe('useServer', () => {
  const zk = useServer();

  it('gives the tests a server', async () => {
    const client = await SocketClient.open(zk.server.port);
    await client.create('/a');
    assert.equal(zk.connectString, zk.server.connectString);
    client.destroy();
  });

  it('gives each of them an empty one', async () => {
    const client = await SocketClient.open(zk.server.port);
    assert.deepEqual(await client.children('/'), ['zookeeper']);
    client.destroy();
    await zk.server.kill();
    zk.server.refuseClients();
  });

  it('gives each of them one that runs', async () => {
    const client = await SocketClient.open(zk.server.port);
    assert.equal(zk.server.sessions().length, 1);
    client.destroy();
    zk.server.pause();
  });

  it('ends the pause of a test, too', () => {
    assert.equal(zk.server.state, 'running');
  });
});

describe('useServer without resets', () => {
  const zk = useServer({ resetBetweenTests: false });

  it('writes', async () => {
    const client = await SocketClient.open(zk.server.port);
    await client.create('/a', 'text');
    client.destroy();
  });

  it('reads what the test before has written', async () => {
    const client = await SocketClient.open(zk.server.port);
    assert.equal(await client.read('/a'), 'text');
    client.destroy();
  });
});

describe('useEnsemble', () => {
  const zk = useEnsemble({ servers: 3 });

  it('may be taken apart by a test', async () => {
    await zk.ensemble.killLeader();
    zk.ensemble.partition([1], [2], [3]);
    zk.ensemble.servers.find(({ isServing }) => isServing)?.pause();
  });

  it('is whole for the next', () => {
    assert.equal(zk.ensemble.followers().length, 2);
    assert.equal(zk.connectString.split(',').length, 3);
  });
});

describe('what a test framework gives', () => {
  const zk = useServer();
  const early = ((): Error | null => {
    try {
      return zk.server && null;
    } catch (error) {
      return error as Error;
    }
  })();

  it('is not there before the tests', () => {
    assert.match(early?.message ?? '', /the server runs during the tests only/);
  });
});
