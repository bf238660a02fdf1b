import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateMode, decodeUtf8, ErrorCode, OpCode, type RequestName, Writer } from '@headkeeper/protocol';
import { CoreHarness, frameOf, type RawClient, type Reply } from '@headkeeper/testkit';
import { creation, make, member, setting, version } from './requests.ts';

let xid = 1_000_000;

/** Sends a request whose body need not be a proper one. */
function callRaw(client: RawClient, op: RequestName, write: (out: Writer) => void): Reply {
  const number = ++xid;
  client.expect(op, number);
  client.send(
    frameOf((out) => {
      out.int(number);
      out.int(OpCode[op]);
      write(out);
    }),
  );
  const reply = client.received.pop();
  assert.ok(reply?.kind === 'reply' && reply.xid === number, 'the reply is the last thing that arrives');
  return reply;
}

function bodyOf(write: (out: Writer) => void): Uint8Array {
  const out = new Writer();
  write(out);
  return out.toBytes();
}

test('a reconfig that cannot be decoded is no txn, one that can be is refused by one', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const body = bodyOf((out) => {
    out.string('server.1=a:1:2;3');
    out.string(null);
    out.string('');
    out.long(-1);
  });
  const before = harness.replica.serving.lastZxid;
  for (let length = 0; length < body.length; length++) {
    const reply = callRaw(client, 'reconfig', (out) => out.raw(body, 0, length));
    assert.deepEqual([reply.err, reply.zxid], [ErrorCode.marshallingError, before]);
  }
  const negative = callRaw(client, 'reconfig', (out) => {
    out.int(-2);
    out.raw(body);
  });
  assert.deepEqual([negative.err, negative.zxid], [ErrorCode.marshallingError, before]);
  const whole = callRaw(client, 'reconfig', (out) => out.raw(body));
  assert.deepEqual([whole.err, whole.zxid], [ErrorCode.reconfigDisabled, before + 1]);
});

test('a null access control list undoes the decoding of a multi, but not in a createTTL', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const { serving } = harness.replica;
  const ttl = { type: OpCode.createTTL, body: { ...creation('/t', CreateMode.persistentWithTTL, '', null), ttl: 9 } };
  const plain = { type: OpCode.create, body: creation('/p', 0, '', null) };
  const nowhere = { type: OpCode.delete, body: { path: null, version: -1 } };
  const before = serving.lastZxid;
  const { results } = client.must('multi', { ops: [member.create('/a'), ttl] });
  assert.deepEqual(
    results.map((result) => (result.type === OpCode.error ? result.body.err : null)),
    [0, ErrorCode.invalidACL],
  );
  assert.equal(serving.lastZxid, before + 1);
  // What cannot be carried out is told after all has been decoded.
  for (const ops of [
    [plain],
    [member.create('/a'), plain],
    [nowhere, plain],
    [member.check('/none'), nowhere, plain],
  ]) {
    assert.equal(client.call('multi', { ops }).err, ErrorCode.marshallingError);
    assert.equal(serving.lastZxid, before + 1, 'no txn');
  }
  for (const ops of [[nowhere], [member.create('/a'), nowhere], [ttl, nowhere], [nowhere, ttl]]) {
    const zxid = serving.lastZxid;
    assert.equal(client.call('multi', { ops }).err, ErrorCode.marshallingError);
    assert.equal(serving.lastZxid, zxid + 1, 'an error txn');
  }
  assert.deepEqual(client.must('getChildren', { path: '/', watch: false }).children, ['zookeeper']);
  assert.equal(serving.statistics.digestMismatches, 0);
});

test('limits are read before the usage, and the usage only if there is something to compare', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const limits = '/zookeeper/quota/q/zookeeper_limits';
  const stats = '/zookeeper/quota/q/zookeeper_stats';
  make(client, '/q', '/zookeeper/quota/q');
  const errors = (): number[] => [
    client.call('create', creation('/q/a', 0, 'xx')).err,
    client.call('delete', version('/q/a')).err,
    client.call('setData', setting('/q', 'xx')).err,
    client.call('setData', setting('/q', '')).err,
  ];
  const { ok, marshallingError: unreadable, noNode } = ErrorCode;
  client.must('create', creation(limits, 0, 'garbage'));
  assert.deepEqual(errors(), [unreadable, noNode, unreadable, unreadable], 'no usage');
  assert.equal(client.call('multi', { ops: [member.create('/b'), member.create('/q/a')] }).err, unreadable);
  assert.equal(client.call('exists', { path: '/b', watch: false }).err, noNode);
  client.must('setData', setting(limits, null));
  assert.deepEqual(errors(), [unreadable, noNode, unreadable, unreadable]);
  client.must('setData', setting(limits, 'count=5,bytes=-1'));
  assert.deepEqual(errors(), [ok, ok, ok, ok]);
  client.must('create', creation(stats, 0, ''));
  for (const text of ['garbage', null]) {
    client.must('setData', setting(stats, text));
    assert.deepEqual(errors().slice(0, 2), [unreadable, noNode], 'a count is limited');
    assert.deepEqual(client.call('setData', setting('/q', 'xx')).err, ok, 'bytes are not');
    const { data } = client.must('getData', { path: stats, watch: false });
    assert.equal(decodeUtf8(data ?? new Uint8Array(0)), 'count=-1,bytes=1');
    client.must('setData', setting('/q', ''));
  }
});

test('getEphemerals takes nothing but spaces and control characters around a slash for all', () => {
  const client = new CoreHarness().connect();
  client.must('create', creation('/e', CreateMode.ephemeral));
  const found = (prefixPath: string | null): number =>
    client.must('getEphemerals', { prefixPath }).ephemerals?.length ?? 0;
  for (const all of [null, '', ' ', '/', '/\0', '\t/\u001f', '\0', '/e']) assert.equal(found(all), 1, `${all}`);
  for (const none of ['\u00a0', '/\u00a0', '\u2003/', '/\ufeff', '//', ' /e', 'e']) assert.equal(found(none), 0, none);
});

test('a malformed path comes back from setWatches as it was understood', () => {
  const client = new CoreHarness().connect();
  const reply = callRaw(client, 'setWatches', (out) => {
    out.long(0);
    out.int(3);
    out.buffer(Uint8Array.of(0x2f, 0xc0, 0x80));
    out.buffer(Uint8Array.of(0x2f, 0xed, 0xa0, 0x80, 0x61));
    out.string('/\u{1f600}');
    out.int(0);
    out.int(0);
  });
  assert.equal(reply.err, 0);
  const sent = client.bytes.flatMap((piece) => [...piece]);
  const text = decodeUtf8(Uint8Array.from(sent));
  assert.deepEqual(
    client.take().map((event) => (event.kind === 'event' ? event.path : null)),
    ['/\ufffd\ufffd', '/\ufffda', '/\u{1f600}'],
  );
  const replaced = [0xef, 0xbf, 0xbd];
  assert.ok(indexOf(sent, [0, 0, 0, 7, 0x2f, ...replaced, ...replaced]) > 0, text);
  assert.ok(indexOf(sent, [0, 0, 0, 5, 0x2f, ...replaced, 0x61]) > 0, text);
});

function indexOf(bytes: readonly number[], wanted: readonly number[]): number {
  return bytes.findIndex((_, at) => wanted.every((byte, i) => bytes[at + i] === byte));
}
