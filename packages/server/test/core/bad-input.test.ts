import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, encodeUtf8, OpCode, type RequestName, Writer } from '@headkeeper/protocol';
import { CoreHarness, frameOf, type RawClient, rawRequest } from '@headkeeper/testkit';
import fc from 'fast-check';
import { creation, make, member, setting, summary, version } from './requests.ts';
import { treeOf } from './tree-dump.ts';

/** A server with a client who only wants to be left in peace: it must notice nothing of what the others send. */
class Bystander {
  readonly harness: CoreHarness = new CoreHarness();
  readonly #client: RawClient = this.harness.connect();
  readonly #state: ReturnType<typeof treeOf>;

  constructor() {
    make(this.#client, '/quiet', '/quiet/child');
    this.#client.must('addWatch', { path: '/quiet', mode: 1 });
    this.#state = treeOf(this.harness.replica.serving);
  }

  /** Nothing has arrived, everything is as it was, and the server still answers. */
  undisturbed(): void {
    assert.deepEqual(this.#client.take(), []);
    assert.ok(!this.#client.closed);
    const { data, stat } = this.#client.must('getData', { path: '/quiet', watch: false });
    assert.deepEqual([data?.length, stat.numChildren], [0, 1]);
    const { nodes } = treeOf(this.harness.replica.serving);
    assert.deepEqual(nodes, this.#state.nodes);
    assert.deepEqual(treeOf(this.harness.restarted().replica.serving).nodes, nodes);
  }
}

function bytes(...parts: (number | string | Uint8Array)[]): Uint8Array {
  const out = new Writer(64);
  for (const part of parts) {
    if (typeof part === 'number') out.int(part);
    else if (typeof part === 'string') out.string(part);
    else out.raw(part);
  }
  return out.toBytes();
}

const ACL = [1, 31, 'world', 'anyone'] as const;
const UTF8 = new Uint8Array([0, 0, 0, 3, 0x2f, 0xff, 0xfe]);

/** Frames whose only answer is the end of the connection. */
const cutOff: Readonly<Record<string, Uint8Array>> = {
  'a negative length': bytes(-1),
  'the most negative length': bytes(-2147483648),
  'a length above the limit': bytes(1_048_576),
  'the largest length': bytes(2147483647),
  'a four-letter word': new TextEncoder().encode('srvr'),
  'an empty frame': bytes(0),
  'a frame shorter than a header': bytes(7, new Uint8Array(7)),
  'an auth request cut short': rawRequest(-4, OpCode.auth, bytes(0)),
  'a SASL request cut short': rawRequest(1, OpCode.sasl),
  'a SASL request with a null token': rawRequest(1, OpCode.sasl, bytes(-1)),
};

for (const [name, frame] of Object.entries(cutOff)) {
  test(`${name} closes the connection without an answer`, () => {
    const bystander = new Bystander();
    const client = bystander.harness.connect();
    client.send(frame);
    assert.deepEqual([client.bytes.length, client.closed], [1, true]);
    const again = bystander.harness.open().attach(client);
    assert.equal(again.sessionId, client.sessionId, 'the session lives');
    bystander.undisturbed();
  });
}

/** Requests that are answered with an error and leave the connection open. */
const refused: Readonly<Record<string, readonly [op: RequestName, body: Uint8Array, error: number]>> = {
  'getData without a body': ['getData', bytes(), ErrorCode.marshallingError],
  'getData of a null path': ['getData', bytes(-1, new Uint8Array(1)), ErrorCode.marshallingError],
  'getData with a negative length': ['getData', bytes(-2), ErrorCode.marshallingError],
  'getData with a length beyond its end': ['getData', bytes(1000, 0), ErrorCode.marshallingError],
  'getData with the largest length': ['getData', bytes(2147483647, 0), ErrorCode.marshallingError],
  'getData without its flag': ['getData', bytes('/quiet'), ErrorCode.marshallingError],
  'getData of malformed UTF-8': ['getData', bytes(UTF8, new Uint8Array(1)), ErrorCode.noNode],
  'exists with a NUL': ['exists', bytes('/a\0', new Uint8Array(1)), ErrorCode.badArguments],
  'create of malformed UTF-8': ['create', bytes(UTF8, -1, ...ACL, 0), ErrorCode.badArguments],
  'create of a null path': ['create', bytes(-1, -1, ...ACL, 0), ErrorCode.marshallingError],
  'create with a null list': ['create', bytes('/x', -1, -1, 0), ErrorCode.invalidACL],
  'create with an empty list': ['create', bytes('/x', -1, 0, 0), ErrorCode.invalidACL],
  'create with a list of negative length': ['create', bytes('/x', -1, -7, 0), ErrorCode.invalidACL],
  'create with a list that promises too much': ['create', bytes('/x', -1, 2147483647, 0), ErrorCode.marshallingError],
  'create with a null scheme': ['create', bytes('/x', -1, 1, 31, -1, 'anyone', 0), ErrorCode.invalidACL],
  'create with an unknown scheme': ['create', bytes('/x', -1, 1, 31, 'nosuch', 'a', 0), ErrorCode.invalidACL],
  'create with world:nobody': ['create', bytes('/x', -1, 1, 31, 'world', 'nobody', 0), ErrorCode.invalidACL],
  'create with a digest of one part': ['create', bytes('/x', -1, 1, 31, 'digest', 'a', 0), ErrorCode.invalidACL],
  'create with an absurd address': ['create', bytes('/x', -1, 1, 31, 'ip', '1.2.3.256/33', 0), ErrorCode.invalidACL],
  'create with flag -1': ['create', bytes('/x', -1, ...ACL, -1), ErrorCode.badArguments],
  'create with flag 7': ['create', bytes('/x', -1, ...ACL, 7), ErrorCode.badArguments],
  'create cut behind its data': ['create', bytes('/x', -1), ErrorCode.marshallingError],
  'createTTL with a flag of no TTL': ['createTTL', bytes('/x', -1, ...ACL, 0, -1, -1), ErrorCode.badArguments],
  'createTTL without a time': ['createTTL', bytes('/x', -1, ...ACL, 5), ErrorCode.marshallingError],
  'setData of a null path': ['setData', bytes(-1, -1, -1), ErrorCode.badArguments],
  'setData cut short': ['setData', bytes('/quiet', 3), ErrorCode.marshallingError],
  'delete of a null path': ['delete', bytes(-1, -1), ErrorCode.marshallingError],
  'delete of the root': ['delete', bytes('/', -1), ErrorCode.badArguments],
  'delete of a system znode': ['delete', bytes('/zookeeper/quota', -1), ErrorCode.badArguments],
  'setACL of a null path': ['setACL', bytes(-1, ...ACL, -1), ErrorCode.badArguments],
  'setACL with an empty list': ['setACL', bytes('/quiet', 0, -1), ErrorCode.invalidACL],
  'a multi cut short': ['multi', bytes(1), ErrorCode.marshallingError],
  'a multi without its end': ['multi', bytes(2, new Uint8Array(1), -1, '/quiet', -1), ErrorCode.marshallingError],
  'a multi with a read': ['multi', bytes(4, new Uint8Array(1), -1, '/quiet', new Uint8Array(1)), -5],
  'a multiRead with a write': ['multiRead', bytes(2, new Uint8Array(1), -1, '/quiet', -1), ErrorCode.marshallingError],
  'setWatches cut short': ['setWatches', bytes(0, 0, 1, '/a'), ErrorCode.marshallingError],
  'setWatches that promises too much': ['setWatches', bytes(0, 0, 536870912), ErrorCode.marshallingError],
  'addWatch with mode 2': ['addWatch', bytes('/quiet', 2), ErrorCode.marshallingError],
  'removeWatches with type 0': ['removeWatches', bytes('/quiet', 0), ErrorCode.marshallingError],
  'checkWatches with type 6': ['checkWatches', bytes('/quiet', 6), ErrorCode.marshallingError],
  'sync without a body': ['sync', bytes(), ErrorCode.marshallingError],
  'getEphemerals without a body': ['getEphemerals', bytes(), ErrorCode.marshallingError],
};

for (const [name, [op, body, error]] of Object.entries(refused)) {
  test(`${name} is answered ${error}`, () => {
    const bystander = new Bystander();
    const client = bystander.harness.connect();
    client.expect(op, 77);
    client.send(rawRequest(77, OpCode[op], body));
    assert.deepEqual(summary(client.take()), [`${op} ${error}`]);
    assert.equal(client.call('exists', { path: '/quiet', watch: false }).err, 0, 'the connection goes on');
    bystander.undisturbed();
  });
}

test('trailing bytes are ignored, and any non-zero byte is true', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  make(client, '/a');
  client.expect('getData', 1);
  client.send(rawRequest(1, OpCode.getData, bytes('/a', new Uint8Array([7, 1, 2, 3, 4, 5, 6, 7, 8, 9]))));
  client.expect('setData', 2);
  client.send(rawRequest(2, OpCode.setData, bytes('/a', -1, -1, 12345, 'more')));
  assert.deepEqual(summary(client.take()), ['getData 0', 'event 3 /a', 'setData 0']);
});

test('illegal paths are refused by what writes and are merely unknown to what reads', () => {
  const bystander = new Bystander();
  const client = bystander.harness.connect();
  const illegal = [
    '',
    'x',
    'x/y',
    '/quiet/',
    '/quiet//x',
    '//quiet',
    '/quiet/.',
    '/quiet/..',
    '/./quiet',
    '/a\u0001',
    '/\u007f',
    '/\ud7ff\ue000',
    '/\ufff0',
    '/😀',
  ];
  for (const path of illegal) {
    const { err } = client.call('create', creation(path));
    assert.ok(err === ErrorCode.badArguments || err === ErrorCode.noNode, `create ${path}: ${err}`);
    assert.equal(client.call('setData', setting(path, 'x')).err, ErrorCode.badArguments, path);
    assert.equal(
      client.call('setACL', { path, acl: [{ perms: 31, scheme: 'world', id: 'anyone' }], version: -1 }).err,
      -8,
    );
    const deleted = client.call('delete', version(path)).err;
    assert.ok(deleted === ErrorCode.badArguments || deleted === ErrorCode.noNode, `delete ${path}: ${deleted}`);
    const { results } = client.must('multi', { ops: [member.check(path)] });
    assert.equal(results[0]?.type === OpCode.error ? results[0].body.err : 0, ErrorCode.badArguments);
    const read = client.call('getData', { path, watch: false }).err;
    assert.equal(read, path === '' ? 0 : ErrorCode.noNode, `getData ${path}`);
  }
  bystander.undisturbed();
});

test('a request of the largest length is served, one byte more is not', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  make(client, '/big');
  const overhead = rawRequest(1, OpCode.setData, bytes('/big', 0, -1)).length - 4;
  const data = (size: number): Uint8Array => bytes('/big', size, new Uint8Array(size).fill(9), -1);
  client.expect('setData', 5);
  client.send(rawRequest(5, OpCode.setData, data(1_048_575 - overhead)));
  assert.deepEqual(summary(client.take()), ['setData 0']);
  assert.equal(client.must('getData', { path: '/big', watch: false }).data?.length, 1_048_575 - overhead);
  client.send(rawRequest(6, OpCode.setData, data(1_048_576 - overhead)));
  assert.ok(client.closed);
});

const handshakes: Readonly<Record<string, Uint8Array>> = {
  'an empty one': bytes(0),
  'a negative length': bytes(-1),
  'a length above the limit': bytes(1_048_576),
  'one cut short': bytes(20, new Uint8Array(20)),
  'one whose password has a negative length': frameOf((out) => out.raw(bytes(0, 0, 0, 1000, 0, 0, -2))),
  'one whose password runs past the end': frameOf((out) => out.raw(bytes(0, 0, 0, 1000, 0, 0, 17, new Uint8Array(16)))),
};

for (const [name, frame] of Object.entries(handshakes)) {
  test(`as a handshake, ${name} closes the connection without an answer`, () => {
    const bystander = new Bystander();
    const client = bystander.harness.open();
    client.send(frame);
    assert.deepEqual([client.bytes.length, client.closed], [0, true]);
    bystander.undisturbed();
  });
}

test('a half frame costs what has arrived, not what it promises', () => {
  const harness = new CoreHarness();
  for (let i = 0; i < 50; i++) harness.connect().send(bytes(1_048_575, 1));
  const held = harness.replica.serving.connections.reduce((sum, one) => sum + (one?.input.length ?? 0), 0);
  assert.ok(held < 50 * 1024, `${held} bytes are held`);
});

test('no bytes at all bring the server down or disturb others', () => {
  const anyFrame = fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(
          fc.integer(),
          fc.oneof(fc.constantFrom(...Object.values(OpCode)), fc.integer({ min: -20, max: 120 })),
          fc.array(
            fc.oneof(
              fc.constantFrom(-2, -1, 0, 1, 2, 4, 31, 2147483647),
              fc.constantFrom('/x', '/x/y', '', 'world', 'anyone', 'digest', '/quiet2'),
              fc.uint8Array({ maxLength: 9 }),
            ),
            { maxLength: 12 },
          ),
        )
        .map(([xid, type, parts]) => rawRequest(xid, type, bytes(...parts))),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  );
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 30, size: 'max' }),
      fc.integer({ min: 1, max: 64 }),
      (frames, chunk) => {
        const harness = new CoreHarness();
        const bystander = harness.connect();
        make(bystander, '/quiet');
        bystander.must('addWatch', { path: '/quiet', mode: 0 });
        const hostile = harness.open();
        hostile.arrived = () => {};
        hostile.handshake();
        const stream = Buffer.concat(frames);
        for (let at = 0; at < stream.length && !hostile.closed; at += chunk) {
          hostile.send(new Uint8Array(stream.subarray(at, at + chunk)));
        }
        assert.deepEqual(bystander.take(), []);
        bystander.must('setData', setting('/quiet', 'still here'));
        assert.deepEqual(summary(bystander.take()), ['event 3 /quiet']);
        assert.deepEqual(treeOf(harness.restarted().replica.serving), treeOf(harness.replica.serving));
        assert.equal(harness.replica.serving.statistics.digestMismatches, 0);
      },
    ),
    { numRuns: 150 },
  );
});

test('credentials that are malformed', () => {
  const bystander = new Bystander();
  for (const [scheme, auth, error] of [
    ['digest', encodeUtf8(''), 0],
    ['digest', encodeUtf8('no colon'), 0],
    ['digest', new Uint8Array([0xff, 0x3a, 0xfe]), 0],
    ['digest', null, ErrorCode.authFailed],
    ['ip', null, 0],
    ['', encodeUtf8('a:b'), ErrorCode.authFailed],
    [null, encodeUtf8('a:b'), ErrorCode.authFailed],
    ['world', encodeUtf8('anyone'), ErrorCode.authFailed],
    ['super', encodeUtf8(''), ErrorCode.authFailed],
    ['x509', encodeUtf8('CN=x'), ErrorCode.authFailed],
  ] as const) {
    const client = bystander.harness.connect();
    const reply = client.call('auth', { type: 0, scheme, auth });
    assert.deepEqual([reply.err, reply.zxid, client.closed], [error, 0, error !== 0], `${scheme}`);
  }
  bystander.undisturbed();
});
