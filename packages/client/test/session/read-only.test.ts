import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { isZooKeeperError } from '../../src/core/errors.ts';
import { settle } from '../world/manual-clock.ts';
import { obliging, World } from '../world/world.ts';

test('a server without a quorum: reads only, and the search for another one', async () => {
  const world = new World();
  const { client, end, events } = await world.connect({ readOnly: true }, 'a:1,b:2', { readOnly: true });
  assert.equal(client.state, 'connectedReadOnly');
  end.answer = obliging(end);
  await client.getData('/a');
  end.answer = ({ xid }) => end.fail(xid, ErrorCode.notReadOnly);
  await assert.rejects(
    client.setData('/a', 'x'),
    (error) => isZooKeeperError(error, 'notReadOnly') && error.outcome === 'not applied',
  );
  end.answer = obliging(end);

  const probes: string[] = [];
  world.greet = (probe) => {
    if (probe.word !== 'isro') return;
    const { host } = probe.address;
    probes.push(host);
    if (host === end.address.host) probe.raw(Buffer.from('ro'));
    else probe.raw(Buffer.from('rw\n'));
    process.nextTick(() => probe.lose());
  };
  await world.clock.advance(1_000);
  world.greet = null;
  const other = end.address.host === 'a' ? 'b' : 'a';
  assert.equal(probes.at(-1), other);
  assert.equal(end.isLeft, true);
  const next = world.end;
  assert.equal(next.address.host, other, 'it goes to the server that was found');
  await settle();
  assert.equal(next.handshake?.sessionId, 0n, 'a session of a server without a quorum is not known to others');
  next.grant({ sessionId: 0x88n });
  await settle();
  assert.equal(client.state, 'connected');
  assert.deepEqual(
    events.map(({ type }) => type),
    ['disconnected', 'connected'],
  );
});

test('the search goes on past servers that refuse, are silent, or do not know the question', async () => {
  const world = new World();
  const { end } = await world.connect({ readOnly: true, sessionTimeoutMs: 60_000 }, 'a:1,b:2,c:3', {
    readOnly: true,
    timeOut: 60_000,
  });
  end.answer = obliging(end);
  const [b, c] = ['a:1', 'b:2', 'c:3'].filter((name) => !name.startsWith(end.address.host));
  world.manners.set(b as string, 'refuses');
  world.manners.set(c as string, 'is silent');
  world.greet = (probe) => {
    probe.raw(Buffer.from('isro is not executed because it is not in the whitelist.\n'));
    process.nextTick(() => probe.lose());
  };
  await world.clock.advance(30_000);
  assert.equal(end.isLeft, false);
  assert.ok(world.ends.length > 5 && world.ends.length < 20, `${world.ends.length - 1} questions`);
});

test('a session that lives is not given up for what a server without a quorum says', async () => {
  const world = new World();
  const { client, end, events } = await world.connect({ readOnly: true });
  end.lose();
  const cutOff = await world.reconnect({ sessionId: 0n, timeOut: 0, readOnly: true });
  assert.equal(cutOff.handshake?.sessionId, 0x77n);
  const again = await world.reconnect();
  assert.equal(again.handshake?.sessionId, 0x77n);
  assert.equal(client.state, 'connected');
  assert.deepEqual(
    events.map(({ type }) => type),
    ['disconnected', 'connected'],
  );
});

test('close ends a search', async () => {
  const world = new World();
  const { client, end } = await world.connect({ readOnly: true }, 'a:1', { readOnly: true });
  end.answer = obliging(end);
  await world.clock.advance(150);
  await client.close();
  assert.equal(world.clock.timers, 0);
});
