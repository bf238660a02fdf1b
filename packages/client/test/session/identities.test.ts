import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { isZooKeeperError } from '../../src/core/errors.ts';
import { connectWith } from '../../src/internal.ts';
import { settle } from '../world/manual-clock.ts';
import type { ServerEnd } from '../world/server-end.ts';
import { obliging, World } from '../world/world.ts';

const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();

test('identities are shown before all else, on each connection, those added later included', async () => {
  const world = new World();
  const { client, end } = await world.connect({ auth: [{ scheme: 'digest', auth: 'a:1' }] });
  await settle();
  client.addAuth('digest', Uint8Array.from(Buffer.from('b:2')));
  void client.getData('/x').catch(() => {});
  await settle();
  const shown = (one: ServerEnd): string[] => one.asked('auth').map(({ body }) => `${body.scheme} ${text(body.auth)}`);
  assert.deepEqual(shown(end), ['digest a:1', 'digest b:2']);
  assert.deepEqual(
    end.requests.map(({ xid }) => xid),
    [-4, -4, 1],
  );
  end.lose();
  const again = await world.reconnect();
  assert.deepEqual(shown(again), ['digest a:1', 'digest b:2']);
});

test('an identity that is refused ends the client', async () => {
  const world = new World();
  const { client, end, events } = await world.connect();
  const write = client.setData('/a', 'x');
  client.addAuth('nonsense', 'x');
  await settle();
  end.reply(-4, 'auth', null, ErrorCode.authFailed);
  await assert.rejects(write, (error) => isZooKeeperError(error, 'authFailed') && error.outcome === 'unknown');
  await assert.rejects(client.getData('/b'), (error) => isZooKeeperError(error, 'authFailed'));
  assert.deepEqual(
    events.map(({ type }) => type),
    ['authFailed', 'closed'],
  );
  assert.deepEqual(events[0], { type: 'authFailed', scheme: 'nonsense' });
  assert.equal(client.state, 'authFailed');
  await client.close();
  assert.equal(world.clock.timers, 0);
});

test('a server that wants SASL and gets none ends the client, whatever it was asked', async () => {
  const world = new World();
  const first = await world.connect();
  const read = first.client.getData('/a');
  await settle();
  first.end.fail(1, ErrorCode.sessionClosedRequireSaslAuth);
  await assert.rejects(read, (error) => isZooKeeperError(error, 'sessionClosedRequireSaslAuth'));
  assert.equal(first.client.state, 'authFailed');

  const second = await world.connect();
  await world.clock.advance(2_000);
  second.end.pong(ErrorCode.sessionClosedRequireSaslAuth);
  assert.equal(second.client.state, 'authFailed');
});

const challenge = (nonce: string): Uint8Array =>
  Buffer.from(`realm="zk-sasl-md5",nonce="${nonce}",charset=utf-8,algorithm=md5-sess`);

test('SASL comes first, and nothing is said meanwhile', async () => {
  const world = new World();
  const connecting = connectWith(world, 'a:1', {
    sessionTimeoutMs: 6_000,
    sasl: { username: 'bob', password: 'secret' },
    auth: [{ scheme: 'digest', auth: 'a:1' }],
  });
  await world.clock.advance(0);
  const { end } = world;
  end.grant();
  await settle();
  assert.deepEqual(
    end.requests.map(({ op }) => op),
    ['sasl'],
  );
  assert.equal(end.asked('sasl')[0]?.body.token?.length, 0);
  await world.clock.advance(2_500);
  assert.equal(end.requests.length, 1);
  end.reply(1, 'sasl', { token: challenge('abc') }, 0, 0);
  await settle();
  const response = text(end.asked('sasl')[1]?.body.token ?? null);
  assert.match(response, /username="bob".*nonce="abc".*authzid="bob"/);
  assert.doesNotMatch(response, /secret/);
  const proof = await rspauth(response);
  end.reply(2, 'sasl', { token: Buffer.from(`rspauth=${proof}`) }, 0, 0);
  const client = await connecting;
  await settle();
  assert.deepEqual(
    end.requests.slice(2, 3).map(({ op }) => op),
    ['auth'],
  );
  assert.equal(client.sessionCertainForMs, 3_500, 'the exchange keeps no session alive');
  end.answer = obliging(end);
  await client.getData('/a');
});

/** What the server proves its knowledge with; computed here from the response's own directives. */
async function rspauth(response: string): Promise<string> {
  const { createHash } = await import('node:crypto');
  const value = (name: string): string => new RegExp(`${name}="?([^",]*)`).exec(response)?.[1] ?? '';
  const md5 = (input: string | Uint8Array): Buffer => createHash('md5').update(input).digest();
  const a1 = md5(
    Buffer.concat([md5('bob:zk-sasl-md5:secret'), Buffer.from(`:${value('nonce')}:${value('cnonce')}:bob`)]),
  ).toString('hex');
  const a2 = md5(':zookeeper/zk-sasl-md5').toString('hex');
  return md5(`${a1}:${value('nonce')}:00000001:${value('cnonce')}:auth:${a2}`).toString('hex');
}

for (const [title, answer] of [
  ['a wrong password', (end: ServerEnd) => end.reply(2, 'sasl', { token: null }, ErrorCode.authFailed, 0)],
  [
    'a server that does not know the password itself',
    (end: ServerEnd) => end.reply(2, 'sasl', { token: Buffer.from(`rspauth=${'0'.repeat(32)}`) }, 0, 0),
  ],
] as const) {
  test(`${title} ends connect`, async () => {
    const world = new World();
    const connecting = connectWith(world, 'a:1', { sasl: { username: 'bob', password: 'wrong' } });
    const rejected = assert.rejects(connecting, (error) => {
      return isZooKeeperError(error, 'authFailed') && /password/.test((error.cause as Error).message);
    });
    await world.clock.advance(0);
    world.end.grant();
    await settle();
    world.end.reply(1, 'sasl', { token: challenge('abc') }, 0, 0);
    await settle();
    answer(world.end);
    await rejected;
    assert.equal(world.clock.timers, 0);
  });
}

test('a server without SASL is no server for a client that wants it', async () => {
  const world = new World();
  const connecting = connectWith(world, 'a:1', { sasl: { username: 'bob', password: 'secret' } });
  const rejected = assert.rejects(connecting, (error) => isZooKeeperError(error, 'authFailed'));
  await world.clock.advance(0);
  world.end.grant();
  await settle();
  world.end.reply(1, 'sasl', { token: null }, 0, 0);
  await rejected;
});
