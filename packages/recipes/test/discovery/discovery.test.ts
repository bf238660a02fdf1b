import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Client, watchChildren } from '@headkeeper/client';
import { ServiceDiscovery, uriOf, uriSpec } from '@headkeeper/recipes';
import { endSession, ServedTests } from '../support/test-server.ts';

const served = new ServedTests();
let zk: Client;

before(async () => {
  await served.start();
  zk = await served.connect();
});
after(() => served.stop());

/** Waits until the service has so many instances at the server. */
async function listed(path: string, count: number): Promise<void> {
  for await (const children of watchChildren(zk, path)) if (children?.children.length === count) return;
}

describe('ServiceDiscovery', () => {
  it('stores an instance as Curator does', async () => {
    const discovery = new ServiceDiscovery(zk, '/layout', { clock: () => 1_700_000_000_000 });
    await using registration = await discovery.register({
      name: 'web',
      id: 'one',
      address: '10.0.0.1',
      port: 8080,
      uriSpec: uriSpec('{scheme}://{address}:{port}/'),
    });
    const { data, stat } = await zk.getData('/layout/web/one');
    assert.notEqual(stat.ephemeralOwner, 0n);
    assert.deepEqual(JSON.parse(Buffer.from(data ?? []).toString()), {
      name: 'web',
      id: 'one',
      address: '10.0.0.1',
      port: 8080,
      sslPort: null,
      payload: null,
      registrationTimeUTC: 1_700_000_000_000,
      serviceType: 'DYNAMIC',
      uriSpec: {
        parts: [
          { value: 'scheme', variable: true },
          { value: '://', variable: false },
          { value: 'address', variable: true },
          { value: ':', variable: false },
          { value: 'port', variable: true },
          { value: '/', variable: false },
        ],
      },
      enabled: true,
    });
    assert.equal(uriOf(registration.instance), 'http://10.0.0.1:8080/');
    assert.equal(uriOf({ ...registration.instance, port: null }), null);
    assert.deepEqual(await discovery.services(), ['web']);
    assert.deepEqual(await discovery.instances('web'), [registration.instance]);
    assert.deepEqual(await discovery.instances('none'), []);
    await assert.rejects(discovery.register({ name: 'a/b', address: 'x' }), /not a name/);
  });

  it('reads what Curator writes, with what it leaves out, and passes over what is no instance', async () => {
    const theirs =
      '{"name":"j","id":"9","address":"h","port":1,"sslPort":null,"payload":{"@class":"x.Y","n":1},' +
      '"registrationTimeUTC":5,"serviceType":"DYNAMIC","uriSpec":null,"more":true}';
    await zk.create('/theirs');
    await zk.create('/theirs/j');
    await zk.create('/theirs/j/9', theirs);
    await zk.create('/theirs/j/rubbish', 'rubbish');
    await zk.create('/theirs/j/empty');
    await using provider = await new ServiceDiscovery(zk, '/theirs').provider('j');
    const { payload, enabled, registeredAt } = provider.pick()!;
    assert.deepEqual(
      { payload, enabled, registeredAt },
      { payload: { '@class': 'x.Y', n: 1 }, enabled: true, registeredAt: 5 },
    );
    assert.equal(provider.all.length, 1);
  });

  it('picks in turn, at random or always the same, and others than those that are down or not enabled', async () => {
    const discovery = new ServiceDiscovery(zk, '/picks');
    const ids = ['a', 'b', 'c'];
    const registrations = await Promise.all(ids.map((id) => discovery.register({ name: 's', id, address: id })));
    const pickedBy = async (strategy: 'random' | 'roundRobin' | 'sticky', count: number): Promise<string> => {
      await using provider = await discovery.provider('s', { strategy });
      return Array.from({ length: count }, () => provider.pick()?.id).join('');
    };
    assert.equal(await pickedBy('roundRobin', 7), 'abcabca');
    assert.match(await pickedBy('sticky', 6), /^(a|b|c)\1{5}$/);
    const random = await pickedBy('random', 300);
    for (const id of ids) assert.ok(random.split(id).length > 50, random);

    await using provider = await discovery.provider('s', { downForMs: 60_000 });
    const changes = provider.changes();
    for (const _ of ids) await changes.next();
    provider.noteError({ id: 'a' });
    assert.equal(provider.isDown('a'), false);
    provider.noteError({ id: 'a' });
    assert.equal(provider.isDown('a'), true);
    await registrations[1]!.update({ enabled: false });
    const { value } = await changes.next();
    assert.deepEqual([value?.type, value?.previous?.enabled, value?.instance?.enabled], ['changed', true, false]);
    assert.deepEqual([provider.pick()?.id, provider.pick()?.id], ['c', 'c']);
    await registrations[2]!.close();
    assert.equal((await changes.next()).value?.type, 'removed');
    assert.equal(provider.pick()?.id, 'a', 'better than none');
    for (const registration of registrations) await registration.close();
    await changes.next();
    await changes.next();
    assert.equal(provider.pick(), null);
  });

  it('lists an instance as long as its session lives and it is healthy, and again afterwards', async () => {
    const client = await served.connect();
    const discovery = new ServiceDiscovery(client, '/health');
    let isHealthy = false;
    const health = { everyMs: 5, isHealthy: () => isHealthy };
    const registration = await discovery.register({ name: 's', address: 'x' }, { health });
    assert.equal(registration.isListed, false);
    isHealthy = true;
    await listed('/health/s', 1);
    isHealthy = false;
    await listed('/health/s', 0);
    isHealthy = true;
    await listed('/health/s', 1);
    await endSession(client, served.connectString);
    await listed('/health/s', 1);
    await registration.close();
    await listed('/health/s', 0);
  });

  it('takes the place of an instance of the same id, as after a restart', async () => {
    const before = await served.connect();
    const instance = { name: 's', id: 'same', address: 'old' };
    await new ServiceDiscovery(before, '/restart').register(instance);
    await using again = await new ServiceDiscovery(zk, '/restart').register({ ...instance, address: 'new' });
    assert.deepEqual(
      (await new ServiceDiscovery(zk, '/restart').instances('s')).map(({ address }) => address),
      ['new'],
    );
    await before.close();
    assert.equal(again.isListed, true);
  });
});
