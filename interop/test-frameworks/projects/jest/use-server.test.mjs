import { connect } from '@headkeeper/client';
import { useEnsemble, useServer } from '@headkeeper/testing/jest';
import { describe, expect, test } from '@jest/globals';

describe('a server', () => {
  const zk = useServer();

  test('serves a client', async () => {
    const client = await connect(zk.connectString);
    expect((await client.create('/a', 'text')).path).toBe('/a');
    await client.close();
  });

  test('is empty again', async () => {
    const client = await connect(zk.connectString);
    expect(await client.exists('/a')).toBe(null);
    await zk.server.expireSession(client.session.id);
    await client.close();
    await zk.server.kill();
  });

  test('runs again', async () => {
    const client = await connect(zk.connectString);
    expect(zk.server.sessions()).toEqual([client.session.id]);
    await client.close();
  });
});

describe('an ensemble', () => {
  const zk = useEnsemble();

  test('loses its leader', async () => {
    const killed = await zk.ensemble.killLeader();
    expect((await zk.ensemble.waitForLeader()).id).not.toBe(killed.id);
  });

  test('is whole again', () => {
    expect(zk.ensemble.followers().length).toBe(2);
  });
});
