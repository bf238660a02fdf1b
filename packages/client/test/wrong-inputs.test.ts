import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../src/connect.ts';
import { type Client, isZooKeeperError } from '../src/index.ts';
import { World } from './world/world.ts';

/** What plain JavaScript can hand over, and what the error has to say of it. */
type WrongOption = readonly [options: unknown, says: string];

const WRONG_OPTIONS: readonly WrongOption[] = [
  [null, 'the options have to be an object, not null'],
  [5, 'the options have to be an object, not the number 5'],
  ['localhost:2182', 'the options have to be an object, not a string'],
  [
    { sessionTimeoutMs: '5' },
    'the option sessionTimeoutMs has to be a whole number from 1 to 2147483647, not a string',
  ],
  [{ requestTimeoutMs: [] }, 'the option requestTimeoutMs has to be a whole number from 1 to 2147483647, not an array'],
  [{ maxPending: {} }, 'the option maxPending has to be a whole number'],
  [{ signal: 5 }, 'the option signal has to be an AbortSignal, not the number 5'],
  [{ signal: new AbortController() }, 'the option signal has to be an AbortSignal, not an object'],
  [{ readOnly: 'yes' }, 'the option readOnly has to be true or false, not a string'],
  [{ onSessionExpired: true }, "the option onSessionExpired has to be 'renew' or 'close'"],
  [{ session: 'x' }, 'the option session has to be { id: bigint, password: Uint8Array }'],
  [{ session: { id: 5, password: new Uint8Array(16) } }, 'the option session has to be { id: bigint'],
  [{ session: { id: 5n } }, 'the option session has to be { id: bigint'],
  [
    { auth: 'x' },
    "the option auth has to be an array such as [{ scheme: 'digest', auth: 'user:password' }], not a string",
  ],
  [{ auth: { scheme: 'digest', auth: 'a:b' } }, 'the option auth has to be an array'],
  [{ auth: [null] }, 'the option auth[0] is wrong: it has to be { scheme, auth }'],
  [{ auth: [{ scheme: 'digest', auth: 'a:b' }, { auth: 'a:b' }] }, 'the option auth[1] is wrong: the scheme'],
  [{ auth: [{ scheme: 'digest' }] }, 'the option auth[0] is wrong: the identity of scheme digest has to be a string'],
  [{ sasl: 'x' }, 'the option sasl has to be { username: string, password: string }'],
  [{ sasl: { username: 'x' } }, 'the option sasl has to be'],
  [{ tls: true }, 'the option tls has to be an object, not the boolean true'],
  [{ log: 'x' }, 'the option log has to be an object'],
  [{ log: { warn: 5 } }, 'the option log is wrong: warn has to be a function, not the number 5'],
];

test('a wrong option of connect is named, with what it has to be', async () => {
  for (const [options, says] of WRONG_OPTIONS) {
    await assert.rejects(connect('localhost:1', options as never), (error) => saysIt(error, says), says);
  }
  await assert.rejects(connect(5 as never), (error) => saysIt(error, 'the connect string has to be a string'));
  await assert.rejects(connect(undefined as never), (error) => saysIt(error, 'the connect string has to be a string'));
});

type WrongCall = readonly [call: (client: Client) => unknown, says: string];

const WRONG_CALLS: readonly WrongCall[] = [
  ...[
    (client: Client, options: never) => client.create('/a', 'x', options),
    (client: Client, options: never) => client.delete('/a', options),
    (client: Client, options: never) => client.exists('/a', options),
    (client: Client, options: never) => client.getData('/a', options),
    (client: Client, options: never) => client.setData('/a', 'x', options),
    (client: Client, options: never) => client.getChildren('/a', options),
    (client: Client, options: never) => client.getACL('/a', options),
    (client: Client, options: never) => client.setACL('/a', [{ perms: 1, scheme: 'world', id: 'anyone' }], options),
    (client: Client, options: never) => client.sync('/a', options),
    (client: Client, options: never) => client.transaction().delete('/a').commit(options),
    (client: Client, options: never) => client.multiRead().getData('/a').run(options),
    (client: Client, options: never) => client.addWatch('/a', 'recursive', () => {}, options),
    (client: Client, options: never) => client.hasWatch('/a', 'any', options),
    (client: Client, options: never) => client.removeWatches('/a', options),
    (client: Client, options: never) => client.getEphemerals('/a', options),
    (client: Client, options: never) => client.countDescendants('/a', options),
    (client: Client, options: never) => client.whoAmI(options),
    (client: Client, options: never) => client.getConfig(options),
    (client: Client, options: never) => client.reconfig({ leaving: [1] }, options),
  ].flatMap((call): readonly WrongCall[] => [
    [(client) => call(client, null as never), 'the options have to be an object, not null'],
    [(client) => call(client, 7 as never), 'the options have to be an object, not the number 7'],
    [(client) => call(client, { signal: 5 } as never), 'the option signal has to be an AbortSignal, not the number 5'],
    [(client) => call(client, { timeoutMs: '9' } as never), 'the option timeoutMs has to be a number of milliseconds'],
    [(client) => call(client, { session: 5 } as never), "the option session has to be a session's id, a bigint"],
  ]),
  [
    (client) => client.getData('/a', { watch: true as never }),
    'the watcher has to be a function, not the boolean true',
  ],
  [(client) => client.addWatch('/a', 'recursive', null as never), 'the watcher has to be a function, not null'],
  [(client) => client.addWatch('/a', 'x' as never, () => {}), 'the mode of a watch has to be persistent or recursive'],
  [(client) => client.hasWatch('/a', 'x' as never), 'the kind of watches has to be children, data or any, not x'],
  [(client) => client.removeWatches('/a', { kind: 1 as never }), 'the kind of watches has to be children, data or any'],
  [(client) => client.create('/a', 5 as never), 'the data has to be a Uint8Array, a string or null, not the number 5'],
  [
    (client) => client.create('/a', 'x', { mode: 1 as never }),
    'the option mode has to be one of persistent, ephemeral',
  ],
  [(client) => client.create('/a', 'x', { acl: 'all' as never }), 'the access control list has to be an array'],
  [(client) => client.getData({} as never), 'the path has to be a string, not an object'],
  [
    (client) => client.setData('/a', 'x', { version: '1' as never }),
    'the version has to be a whole number, not a string',
  ],
  [(client) => client.onEvent('connected' as never), 'the listener has to be a function, not a string'],
  [(client) => client.addAuth(5 as never, 'x'), 'the scheme has to be a name, not the number 5'],
  [
    (client) => client.addAuth('digest', 5 as never),
    'the identity of scheme digest has to be a string or a Uint8Array',
  ],
  [(client) => client.updateServers(5 as never), 'the connect string has to be a string'],
  [(client) => client.reconfig(null as never), 'the change has to be an object, not null'],
  [(client) => client.reconfig({} as never), 'nobody joins or leaves; give joining, leaving or members'],
  [(client) => client.reconfig({ members: 'x' as never }), 'members has to be an array of strings such as server.4='],
  [(client) => client.reconfig({ joining: [5 as never] }), 'joining has to be an array of strings such as server.4='],
  [(client) => client.reconfig({ leaving: ['x' as never] }), 'leaving has to be an array of numbers of servers'],
];

test('a wrong input of a call is named, with what it has to be, and nothing is sent', async () => {
  const world = new World();
  const { client, end } = await world.connect();
  for (const [call, says] of WRONG_CALLS) {
    await assert.rejects(
      async () => {
        await call(client);
      },
      (error) => saysIt(error, says),
      `${says}: ${call}`,
    );
  }
  assert.equal(end.requests.length, 0);
  assert.equal(client.pending, 0);
});

test('what is secret is not said of a wrong input', async () => {
  const secret = 'hunter2';
  for (const options of [
    { auth: secret },
    { auth: [{ scheme: 5, auth: secret }] },
    { sasl: secret },
    { tls: secret },
  ]) {
    await assert.rejects(connect('localhost:1', options as never), (error) => !String(error).includes(secret));
  }
});

function saysIt(error: unknown, says: string): boolean {
  assert.ok(isZooKeeperError(error, 'invalidArgument'), String(error));
  assert.ok(error.message.includes(says), `${error.message}\nwithout: ${says}`);
  return true;
}
