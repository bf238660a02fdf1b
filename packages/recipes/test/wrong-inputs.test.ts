import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Client } from '@headkeeper/client';
import * as recipes from '../src/index.ts';
import { ServedTests } from './support/test-server.ts';

/** What plain JavaScript can hand over: nothing of it is to fail with V8's words, or later, or never. */

const served = new ServedTests();
let zk: Client;
before(async () => {
  await served.start();
  zk = await served.connect();
});
after(() => served.stop());

/** Every class with its name, as others than TypeScript call it. */
type Loose = (client: unknown, path: unknown, options?: unknown) => unknown;
const MAKERS: Readonly<Record<string, Loose>> = {
  AtomicCounter: (...given) => new recipes.AtomicCounter(...(given as [never, never, never])),
  Barrier: (client, path) => new recipes.Barrier(client as never, path as never),
  Cache: (...given) => new recipes.Cache(...(given as [never, never, never])),
  ConfigStore: (...given) => new recipes.ConfigStore(...(given as [never, never, never])),
  'the queue': (...given) => new recipes.DelayQueue(...(given as [never, never, never])),
  DoubleBarrier: (client, path, options) =>
    new recipes.DoubleBarrier(client as never, path as never, 2, options as never),
  GroupMembership: (...given) => new recipes.GroupMembership(...(given as [never, never, never])),
  IdBlocks: (...given) => new recipes.IdBlocks(...(given as [never, never, never])),
  LeaderLatch: (...given) => new recipes.LeaderLatch(...(given as [never, never, never])),
  LeaderSelector: (...given) => new recipes.LeaderSelector(...(given as [never, never, never])),
  Mutex: (...given) => new recipes.Mutex(...(given as [never, never, never])),
  PersistentNode: (...given) => new recipes.PersistentNode(...(given as [never, never, never])),
  ReadWriteLock: (...given) => new recipes.ReadWriteLock(...(given as [never, never, never])),
  Semaphore: (client, path, options) => new recipes.Semaphore(client as never, path as never, 2, options as never),
  SequentialIds: (...given) => new recipes.SequentialIds(...(given as [never, never, never])),
  ServiceDiscovery: (...given) => new recipes.ServiceDiscovery(...(given as [never, never, never])),
  SharedCount: (...given) => new recipes.SharedCount(...(given as [never, never, never])),
  SharedValue: (...given) => new recipes.SharedValue(...(given as [never, never, never])),
  SimpleQueue: (...given) => new recipes.SimpleQueue(...(given as [never, never, never])),
};

it('a wrong client, path or list of options is refused by every recipe', () => {
  for (const [name, make] of Object.entries(MAKERS)) {
    for (const client of [undefined, null, 'localhost:2181', {}]) {
      refuses(() => make(client, '/a'), `${name}: the client has to be one that connect() gives, not `);
    }
    for (const path of [undefined, null, 5, {}]) {
      refuses(() => make(zk, path), `${name}: the path has to be a string, not `);
    }
    refuses(() => make(zk, 'a'), `${name}: the path `);
    if (name === 'ConfigStore') refuses(() => make(zk, '/a'), `${name}: the options have to be an object, not null`);
    // Whatever else it wants, it does not take these.
    if (name === 'Barrier') continue;
    for (const options of [null, 5, 'x']) {
      refuses(() => make(zk, '/a', options), `${name}: the options have to be an object, not `);
    }
    refuses(() => make(zk, '/a', { acl: 'open' }), 'the access control list has to be an array, not a string');
  }
});

const WRONG_OPTIONS: readonly (readonly [recipe: string, options: object, says: string])[] = [
  ['Mutex', { data: 5 }, 'the data has to be a Uint8Array, a string or null, not the number 5'],
  ['Cache', { depth: '1' }, 'the option depth has to be a whole number from 0 on, not a string'],
  ['ConfigStore', {}, 'the option schema has to be an object, not null'],
  [
    'ConfigStore',
    { schema: {}, history: 0 },
    'the option history has to be a whole number from 1 on, not the number 0',
  ],
  ['the queue', { clock: 5 }, 'the option clock has to be a function, not the number 5'],
  ['the queue', { lockPath: 'x' }, 'the option lockPath is wrong: the path '],
  ['GroupMembership', { id: 5 }, 'the option id has to be a string, not the number 5'],
  ['IdBlocks', { blockSize: 1.5 }, 'the option blockSize has to be a whole number from 1 on'],
  ['LeaderLatch', { id: {} }, 'the option id has to be a string, not an object'],
  ['PersistentNode', { ifTaken: 'steal' }, 'the option ifTaken has to be one of wait, replace, not steal'],
  ['ServiceDiscovery', { clock: Date }, ''],
  ['SharedValue', { seed: 5 }, 'the data has to be a Uint8Array, a string or null, not the number 5'],
];

it('a wrong option is refused by its name', () => {
  for (const [name, options, says] of WRONG_OPTIONS) {
    const make = (): unknown => MAKERS[name]?.(zk, '/a', options);
    if (says === '') assert.doesNotThrow(make);
    else refuses(make, says);
  }
  refuses(() => new recipes.MultiLock('x' as never), 'MultiLock: the locks have to be an array of locks');
  refuses(() => new recipes.MultiLock([zk] as never), 'MultiLock: the locks have to be an array of locks');
});

type WrongCall = readonly [call: () => unknown, says: string];

it('a wrong input of a call is refused by its name', async () => {
  const discovery = new recipes.ServiceDiscovery(zk, '/services');
  const mutex = new recipes.Mutex(zk, '/mutex');
  const queue = new recipes.SimpleQueue(zk, '/queue');
  const delayed = new recipes.DelayQueue(zk, '/delayed');
  const instance = { name: 'shop', address: 'a.test' };
  const calls: readonly WrongCall[] = [
    [() => mutex.acquire({ signal: 5 } as never), 'the option signal has to be an AbortSignal, not the number 5'],
    [() => mutex.acquire(null as never), 'the options have to be an object, not null'],
    [() => mutex.tryAcquire({ timeoutMs: 'x' } as never), 'the option timeoutMs has to be a number of milliseconds'],
    [() => queue.take({ signal: 'x' } as never), 'take: the option signal has to be an AbortSignal'],
    [() => queue.put(5 as never), 'the data has to be a Uint8Array, a string or null, not the number 5'],
    [() => delayed.put({} as never, 5), 'the data has to be a Uint8Array, a string or null, not an object'],
    [() => delayed.put('x', 'soon' as never), 'not a time in milliseconds since 1970: soon'],
    [() => discovery.register(undefined as never), 'register: the instance has to be an object such as'],
    [() => discovery.register({} as never), 'register: the name of the service has to be a string that is not empty'],
    [() => discovery.register({ ...instance, name: 'a/b' }), "holds no slash; 'a/b' is not a name"],
    [() => discovery.register({ ...instance, id: 5 as never }), 'register: the id of the instance has to be a string'],
    [() => discovery.register({ name: 'shop' } as never), 'register: the address has to be a string that is not empty'],
    [() => discovery.register({ ...instance, port: '80' as never }), 'register: port has to be a whole number or null'],
    [
      () => discovery.register(instance, { signal: 5 } as never),
      'register: the option signal has to be an AbortSignal',
    ],
    [
      () => discovery.register(instance, { health: { isHealthy: true } } as never),
      'register: the option health: the option isHealthy has to be a function, not the boolean true',
    ],
    [() => discovery.provider(5 as never), 'provider: the name of the service has to be a string'],
    [() => discovery.provider('shop', { strategy: 'best' } as never), 'has to be one of random, roundRobin, sticky'],
    [() => discovery.instances({} as never), 'instances: the name of the service has to be a string'],
  ];
  for (const [call, says] of calls) {
    await assert.rejects(
      async () => {
        await call();
      },
      (error) => saysIt(error, says),
      says,
    );
  }
  assert.equal(await zk.exists('/services/shop'), null);
});

function refuses(make: () => unknown, says: string): void {
  assert.throws(make, (error) => saysIt(error, says));
}

function saysIt(error: unknown, says: string): boolean {
  assert.ok(error instanceof TypeError || error instanceof RangeError, `${error}\nwithout: ${says}`);
  assert.ok(error.message.includes(says), `${error.message}\nwithout: ${says}`);
  return true;
}
