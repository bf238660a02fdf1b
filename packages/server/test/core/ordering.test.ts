import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateMode, connectRequest, ErrorCode, encodeUtf8, SpecialXid } from '@headkeeper/protocol';
import { CoreHarness, frameOf, rawRequest } from '@headkeeper/testkit';
import fc from 'fast-check';
import { limits } from '../../src/limits.ts';
import { creation, make, member, setting, summary, version } from './requests.ts';

const HANDSHAKE = {
  protocolVersion: 0,
  lastZxidSeen: 0,
  timeOut: 10_000,
  sessionId: 0n,
  passwd: new Uint8Array(16),
  readOnly: false,
};
const READ = { path: '/a', watch: false };

test('nothing can be read, and nothing is answered, before it is durable', () => {
  const harness = new CoreHarness();
  const writer = harness.connect();
  const reader = harness.connect();
  harness.autoDurable = false;
  writer.ask('create', creation('/a'));
  writer.ask('getData', READ);
  assert.deepEqual(summary(writer.take()), [], 'the read waits behind its own client’s write');
  assert.equal(reader.call('getData', READ).err, ErrorCode.noNode, 'another client’s does not');
  assert.equal(reader.call('exists', { path: '/a', watch: true }).err, ErrorCode.noNode);
  harness.durable();
  assert.deepEqual(summary(writer.take()), ['create 0', 'getData 0']);
  assert.deepEqual(summary(reader.take()), ['event 1 /a']);
});

test('a sync is answered behind everything proposed when it came: it tells what became of a lost connection’s writes', () => {
  const harness = new CoreHarness();
  const lost = harness.connect();
  const other = harness.connect();
  harness.autoDurable = false;
  lost.ask('create', creation('/a'));
  const written = harness.appendedZxid;
  const again = harness.open().attach(lost);
  again.ask('sync', { path: '/' });
  again.ask('getData', READ);
  other.ask('create', creation('/b'));
  assert.deepEqual(summary(again.take()), []);
  harness.durable(written);
  assert.deepEqual(summary(again.take()), ['sync 0', 'getData 0'], 'it does not wait for what came behind it');
  harness.durable();
  again.ask('sync', { path: '/' });
  assert.deepEqual(summary(again.take()), ['sync 0'], 'with nothing under way it is answered at once');
});

test('validation sees what is proposed and not yet durable', () => {
  const harness = new CoreHarness();
  const one = harness.connect();
  const two = harness.connect();
  harness.autoDurable = false;
  one.ask('create', creation('/a'));
  two.ask('create', creation('/a'));
  two.ask('create', creation('/a/b'));
  one.ask('delete', version('/a'));
  two.ask('setData', setting('/a', 'x', 0));
  two.ask('setData', setting('/a', 'y', 0));
  harness.durable();
  assert.deepEqual(summary(one.take()), ['create 0', `delete ${ErrorCode.notEmpty}`]);
  assert.deepEqual(summary(two.take()), ['create -110', 'create 0', 'setData 0', `setData ${ErrorCode.badVersion}`]);
});

test('replies come in the order of requests: writes, reads, failures, what cannot be decoded, unknown operations', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  harness.autoDurable = false;
  const undecodable = (xid: number, type: number): Uint8Array => {
    client.expect(type === 1 ? 'create' : 'getData', xid);
    return rawRequest(xid, type, new Uint8Array(3));
  };
  client.askAll([
    client.encode('exists', READ),
    client.encode('create', creation('/a')),
    client.encode('getData', READ),
    undecodable(901, 1),
    client.encode('setData', setting('/a', 'x', 5)),
    undecodable(902, 4),
    client.encode('sync', { path: '/a' }),
    client.encode('ping', null),
    client.encode('multi', { ops: [member.create('/a/b'), member.check('/a/b', 9)] }),
    client.encode('getChildren', READ),
    client.encode('delete', version('/a')),
  ]);
  client.expect(null, 903);
  client.send(rawRequest(903, 99));
  const behind = creation('/behind');
  client.ask('create', behind);
  client.ask('exists', READ);
  assert.deepEqual(summary(client.take()), ['exists -101'], 'up to the first write');
  harness.durable(harness.durableZxid + 1);
  assert.deepEqual(summary(client.take()), ['create 0', 'getData 0', 'create -5']);
  harness.durable();
  assert.deepEqual(summary(client.take()), [
    'setData -103',
    'getData -5',
    'sync 0',
    'ping 0',
    'multi 0',
    'getChildren 0',
    'delete 0',
    'unknown -6',
  ]);
  assert.ok(client.closed);
  harness.autoDurable = true;
  assert.equal(harness.connect().call('exists', { path: '/behind', watch: false }).err, 0, 'it was on its way already');
});

test('auth takes effect at arrival, and a waiting request keeps the identities of its own arrival', () => {
  const harness = new CoreHarness();
  const owner = harness.connect();
  owner.must('auth', { type: 0, scheme: 'digest', auth: encodeUtf8('bob:secret') });
  owner.must('create', creation('/bob', 0, '', [{ perms: 31, scheme: 'auth', id: '' }]));
  const client = harness.connect();
  harness.autoDurable = false;
  client.ask('create', creation('/a'));
  client.ask('getData', { path: '/bob', watch: false });
  client.ask('auth', { type: 0, scheme: 'digest', auth: encodeUtf8('bob:secret') });
  client.ask('getData', { path: '/bob', watch: false });
  assert.deepEqual(summary(client.take()), ['auth 0']);
  harness.durable();
  assert.deepEqual(summary(client.take()), ['create 0', `getData ${ErrorCode.noAuth}`, 'getData 0']);
});

test('a stream may be cut anywhere', () => {
  const bytesOf = (cuts: readonly number[] | null): string => {
    const harness = new CoreHarness();
    const client = harness.open();
    const stream = Buffer.concat([
      frameOf((out) => connectRequest.encode(out, HANDSHAKE)),
      client.encode('auth', { type: 0, scheme: 'digest', auth: encodeUtf8('a:b') }),
      client.encode('create', creation('/a', CreateMode.ephemeral, 'data')),
      client.encode('getData', { path: '/a', watch: true }),
      client.encode('multi', { ops: [member.setData('/a', 'more'), member.check('/a', 1)] }),
      client.encode('getChildren2', { path: '/', watch: false }),
      client.encode('ping', null),
      client.encode('closeSession', null),
    ]);
    let at = 0;
    for (const cut of [...(cuts ?? Array.from({ length: stream.length }, (_, i) => i)), stream.length]) {
      const to = Math.min(cut, stream.length);
      if (to > at) {
        // The memory is the network's again after the step.
        const piece = new Uint8Array(stream.subarray(at, to));
        if (!client.closed) client.send(piece);
        piece.fill(0xaa);
        at = to;
      }
    }
    assert.ok(client.closed);
    return Buffer.concat(client.bytes).toString('hex');
  };
  const whole = bytesOf([]);
  assert.equal(bytesOf(null), whole, 'byte by byte');
  for (let cut = 1; cut < 420; cut++) assert.equal(bytesOf([cut]), whole, `cut at ${cut}`);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 420 }), { maxLength: 12 }), (cuts) => {
      assert.equal(bytesOf(cuts.toSorted((a, b) => a - b)), whole);
    }),
    { numRuns: 30 },
  );
});

test('events come before the reply that shows the change, on every connection, in the order of zxids', () => {
  const harness = new CoreHarness();
  const one = harness.connect();
  const two = harness.connect();
  make(one, '/a');
  for (const client of [one, two]) client.must('addWatch', { path: '/', mode: 1 });
  harness.autoDurable = false;
  one.ask('setData', setting('/a', '1'));
  two.ask('create', creation('/a/b'));
  one.ask('delete', version('/a/b'));
  one.ask('getData', READ);
  harness.durable();
  assert.deepEqual(summary(one.take()), [
    'event 3 /a',
    'setData 0',
    'event 1 /a/b',
    'event 2 /a/b',
    'delete 0',
    'getData 0',
  ]);
  assert.deepEqual(summary(two.take()), ['event 3 /a', 'event 1 /a/b', 'create 0', 'event 2 /a/b']);
});

test('a connection is not read from while it has too much waiting', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const bystander = harness.connect();
  harness.autoDurable = false;
  const sent = limits.deferredRequests * 2 + 10;
  client.ask('create', creation('/a'));
  client.askAll(Array.from({ length: sent }, () => client.encode('getData', READ)));
  assert.ok(harness.replica.wantsPause(client.connection));
  assert.ok(!harness.replica.wantsPause(bystander.connection));
  client.ask('ping', null);
  assert.deepEqual(client.take(), []);
  harness.durable();
  const answers = summary(client.take());
  assert.equal(answers.length, sent + 2);
  assert.equal(answers.filter((line) => line === 'getData 0').length, sent);
  assert.ok(!harness.replica.wantsPause(client.connection));
});

test('what waits is bounded in bytes too', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  harness.autoDurable = false;
  client.ask('create', creation('/a'));
  const path = `/${'x'.repeat(1_000_000)}`;
  for (let i = 0; i < 6; i++) client.ask('exists', { path, watch: false });
  assert.ok(harness.replica.wantsPause(client.connection));
  const waiting = harness.replica.serving.connections[client.connection]?.order.waitingBytes ?? 0;
  assert.ok(waiting <= limits.deferredBytes + 1_000_100, `${waiting} bytes wait`);
  harness.durable();
  assert.equal(client.take().length, 7);
});

test('more writes than the connection may have waiting are all answered', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  make(client, '/a');
  harness.autoDurable = false;
  const sent = limits.deferredRequests * 2 + 100;
  client.askAll(Array.from({ length: sent }, () => client.encode('setData', setting('/a', 'x'))));
  while (client.waiting > 0) harness.durable();
  harness.autoDurable = true;
  assert.equal(client.take().length, sent);
  assert.equal(client.must('exists', READ).stat.version, sent);
});

test('a ping is answered with xid -2, whatever it came with', () => {
  const client = new CoreHarness().connect();
  client.expect('ping', 12345);
  client.send(rawRequest(12345, 11));
  const [reply] = client.take();
  assert.equal(reply?.kind === 'reply' ? reply.xid : 0, SpecialXid.ping);
});
