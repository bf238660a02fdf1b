import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateMode, ErrorCode, encodeUtf8, OpCode } from '@headkeeper/protocol';
import { CoreHarness, frameOf, type RawClient } from '@headkeeper/testkit';
import { limits } from '../../src/limits.ts';
import { creation, setting, version } from './requests.ts';

const LARGE = 'x'.repeat(1_000_000);
const LONG_FRAME = Uint8Array.of(0x7f, 0xff, 0xff, 0xff);

test('requests for more output than fits wait until the network has taken what there is', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  client.must('create', creation('/large', 0, LARGE));
  client.bytes.length = 0;
  client.askAll(Array.from({ length: 50 }, () => client.encode('getData', { path: '/large', watch: false })));
  assert.equal(client.waiting, 0);
  assert.ok(client.bytes.every((piece) => piece.length < limits.outputHighWater + LARGE.length + 200));
});

test('a connection that lets more reads wait behind a write than can be kept is closed', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const other = harness.connect();
  client.must('create', creation('/large', 0, LARGE));
  harness.autoDurable = false;
  client.ask('setData', setting('/large', LARGE));
  client.askAll(Array.from({ length: 1000 }, () => client.encode('getData', { path: '/large', watch: false })));
  client.bytes.length = 0;
  harness.durable();
  assert.ok(client.closed);
  const sent = client.bytes.reduce((sum, piece) => sum + piece.length, 0);
  assert.ok(sent < limits.outputMaximum + 2 * LARGE.length);
  assert.equal(other.call('exists', { path: '/large', watch: false }).err, 0);
});

test('a multiRead whose results are too large is refused', () => {
  const client = new CoreHarness().connect();
  client.must('create', creation('/large', 0, LARGE));
  const read = { type: OpCode.getData, body: { path: '/large', watch: false } } as const;
  const ops = new Array<typeof read>(1000).fill(read);
  assert.equal(client.call('multiRead', { ops }).err, ErrorCode.marshallingError);
  assert.equal(client.must('multiRead', { ops: ops.slice(0, 3) }).results.length, 3);
});

/** The longest record that a start reads back. */
function longest(harness: CoreHarness): number {
  return harness.settings.juteMaxBuffer + harness.settings.juteMaxBufferExtra;
}

function largestRecord(harness: CoreHarness): number {
  return harness.log.reduce((largest, { body }) => Math.max(largest, body.length), 0);
}

/** A connection with as many identities as it may have. */
function manyFaced(harness: CoreHarness): RawClient {
  const client = harness.connect();
  for (let i = 0; i < 50; i++) client.must('auth', { type: 0, scheme: 'digest', auth: encodeUtf8(`user${i}:x`) });
  return client;
}

test('identities are limited in number and size', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const auth = encodeUtf8(`${'u'.repeat(limits.identityBytes)}:x`);
  assert.equal(client.call('auth', { type: 0, scheme: 'digest', auth }).err, ErrorCode.authFailed);
  assert.ok(client.closed);
});

test('no expansion of auth entries makes a record that cannot be read back', () => {
  const harness = new CoreHarness();
  const client = manyFaced(harness);
  const auth = (perms: number) => ({ perms, scheme: 'auth', id: '' });
  const many = Array.from({ length: Math.ceil(limits.expandedAclBytes / 26) }, (_, perms) => auth(perms));
  assert.equal(client.call('create', creation('/n', 0, '', many)).err, ErrorCode.invalidACL);
  const ops = Array.from({ length: 5000 }, (_, i) => ({
    type: OpCode.create,
    body: creation(`/m${i}`, 0, '', [auth(31)]),
  }));
  assert.equal(client.call('multi', { ops }).err, ErrorCode.marshallingError);
  // Nearly full, and then many that fail.
  const failing = Array.from({ length: 20_000 }, () => ({ type: OpCode.delete, body: version('/none') }));
  assert.equal(client.call('multi', { ops: [...ops.slice(0, 740), ...failing] }).err, ErrorCode.marshallingError);
  assert.ok(client.must('multi', { ops: ops.slice(0, 740) }).results.every(({ type }) => type === OpCode.create));
  client.must('create', creation('/after', 0, '', [auth(31)]));
  assert.ok(largestRecord(harness) <= longest(harness));
  assert.equal(harness.replica.serving.statistics.digestMismatches, 0);
});

test('the ephemerals of a session that do not fit into one record go with the others', () => {
  const harness = new CoreHarness();
  const owner = harness.connect();
  const name = 'n'.repeat(1000);
  for (let i = 0; i < 2300; i++) owner.must('create', creation(`/${name}${i}`, CreateMode.ephemeral));
  owner.ask('closeSession', null);
  assert.ok(largestRecord(harness) <= longest(harness));
  assert.ok(largestRecord(harness) > longest(harness) - 4000);
  assert.equal(harness.replica.serving.statistics.digestMismatches, 0);
  for (const server of [harness, harness.restarted()]) {
    const { children } = server.connect().must('getChildren', { path: '/', watch: false });
    assert.deepEqual(children, ['zookeeper']);
  }
});

test('a slice of a snapshot is short also when the znodes are large', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  for (let i = 0; i < 20; i++) client.must('create', creation(`/${i}`, 0, LARGE));
  harness.beginSnapshot();
  const [snapshot] = harness.snapshots;
  assert.ok(snapshot !== undefined);
  for (let slices = 0; !snapshot.ended; slices++) {
    assert.ok(slices < 50, 'it comes to an end');
    const before = snapshot.chunks.length;
    harness.slice(1024);
    assert.ok(snapshot.chunks.length - before <= 6);
  }
});

test('a client that writes faster than the disk is not read for a while', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  client.must('create', creation('/large', 0, LARGE));
  harness.autoDurable = false;
  while (!harness.replica.wantsPause(client.connection)) client.ask('setData', setting('/large', LARGE));
  assert.ok(client.waiting * LARGE.length <= limits.outstandingBytes + 2 * LARGE.length);
  harness.durable();
  assert.equal(harness.replica.wantsPause(client.connection), false);
  assert.equal(client.waiting, 0);
});

test('bytes of an endless handshake do not keep a connection open', () => {
  const harness = new CoreHarness();
  const client = harness.open();
  client.send(Uint8Array.of(0, 0, 0, 45));
  for (let ms = 0; ms < harness.settings.overload.handshakeMs + 4000; ms += 2000) {
    client.send(Uint8Array.of(0));
    harness.run(2000);
  }
  assert.ok(client.closed);
});

test('a connection that is being closed keeps no session alive', () => {
  const harness = new CoreHarness();
  const client = harness.connect({ timeOut: 4000 });
  const { connection } = client;
  // Too long a frame: the connection is closed, the session stays.
  harness.replica.step({
    kind: 'clientData',
    connection,
    bytes: LONG_FRAME,
    nowMs: harness.nowMs,
    wallMs: harness.wallMs,
  });
  for (let ms = 0; ms < 8000; ms += 2000) {
    harness.replica.step({
      kind: 'clientData',
      connection,
      bytes: LONG_FRAME,
      nowMs: harness.nowMs,
      wallMs: harness.wallMs,
    });
    harness.run(2000);
  }
  assert.equal(harness.replica.serving.sessions.size, 0);
});

test('txns on both sides of the end of an epoch are two appends', () => {
  const last = 0xfffffffd;
  const body = frameOf((out) => {
    out.longHalves(0, 0);
    out.int(0);
    out.long(last);
    out.long(0);
    out.int(OpCode.error);
    out.int(-101);
  }).slice(4);
  const harness = new CoreHarness({}, [{ zxid: last, body }]);
  const client = harness.connect();
  const bytes = new Uint8Array([
    ...client.encode('create', creation('/a')),
    ...client.encode('create', creation('/b')),
  ]);
  const { connection } = client;
  harness.replica.step({ kind: 'clientData', connection, bytes, nowMs: harness.nowMs, wallMs: harness.wallMs });
  assert.deepEqual(
    harness.replica.takeReady().append.map(({ firstZxid, lastZxid }) => [firstZxid, lastZxid]),
    [
      [0xffffffff, 0xffffffff],
      [0x100000001, 0x100000001],
    ],
  );
});
