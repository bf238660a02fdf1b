import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeUtf8, OpCode, type Writer } from '@headkeeper/protocol';
import { CoreHarness, frameOf, type RawClient } from '@headkeeper/testkit';
import fc from 'fast-check';
import { createHashing } from '../../src/adapters/system/hashing.ts';
import { Database } from '../../src/core/database.ts';
import { SnapshotDecoder } from '../../src/core/log/snapshot-decoder.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import { Replica } from '../../src/core/replica.ts';
import { creation } from '../core/requests.ts';
import { treeOf } from '../core/tree-dump.ts';

/** Names that objects of JavaScript have already, and others that have been taken for something else before. */
const TRAPS = [
  ...Object.getOwnPropertyNames(Object.prototype),
  ...Object.getOwnPropertyNames(Function.prototype),
  ...[
    'then',
    'default',
    'prototype',
    'undefined',
    'null',
    'NaN',
    'true',
    '0',
    '-0',
    '1e3',
    '-1',
    ' ',
    '%2e%2e',
    '..%2f',
  ],
  ...[
    '...',
    '.hidden',
    'a..b',
    '~',
    '$',
    '*',
    'zookeeper',
    'Zookeeper',
    'é',
    'e\u0301',
    'ﬁ',
    'İ',
    'ß',
    'x'.repeat(5_000),
  ],
];

function create(client: RawClient, path: Uint8Array, data: string): number {
  const xid = 1_000_000;
  client.expect('create', xid);
  client.send(
    frameOf((out: Writer) => {
      out.int(xid);
      out.int(OpCode.create);
      out.buffer(path);
      out.string(data);
      out.int(1);
      out.int(31);
      out.string('world');
      out.string('anyone');
      out.int(0);
    }),
  );
  const reply = client.received.pop();
  assert.ok(reply?.kind === 'reply');
  if (reply.err === 0) assert.equal((reply.body as { path: string }).path, new TextDecoder().decode(path));
  return reply.err;
}

/** The same state by the two ways back: the log alone, and a snapshot. */
function survives(harness: CoreHarness): void {
  const now = treeOf(harness.replica.serving);
  assert.deepEqual(treeOf(harness.restarted().replica.serving), now);
  harness.beginSnapshot();
  while (harness.replica.snapshotRunning) harness.slice(256);
  const state = new RecoveredState(new Database(harness.settings));
  const decoder = new SnapshotDecoder(state, 1 << 21);
  for (const chunk of harness.snapshots.at(-1)?.chunks ?? []) decoder.push(chunk);
  const { digest } = decoder.finish();
  state.loaded(harness.appendedZxid, digest);
  assert.deepEqual(state.digestMismatches, []);
  const replica = new Replica(harness.settings, createHashing(), state.database);
  replica.start(0, harness.nowMs, harness.wallMs);
  assert.deepEqual(treeOf(replica.serving), now);
}

test('every name is only a name: in paths, in lists, in data, over a restart and in a snapshot', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const names = [...new Set(TRAPS)];
  for (const name of names) {
    assert.equal(create(client, encodeUtf8(`/${name}`), name), name === 'zookeeper' ? -110 : 0, name);
    for (const inner of ['__proto__', 'constructor'])
      assert.equal(create(client, encodeUtf8(`/${name}/${inner}`), inner), 0);
    client.must('setACL', { path: `/${name}`, acl: [...aclOf(name), ...aclOf('anyone')], version: -1 });
  }
  assert.equal(new Set(client.must('getChildren', { path: '/', watch: false }).children).size, names.length);
  for (const name of names) {
    const { data } = client.must('getData', { path: `/${name}`, watch: false });
    if (name !== 'zookeeper') assert.equal(new TextDecoder().decode(data ?? undefined), name);
    assert.equal(client.must('getACL', { path: `/${name}` }).acl?.[0]?.id, `${name}:${name}`);
  }
  for (const name of ['hasOwnProperty', '__proto__', 'toString']) {
    const missing = harness.connect();
    assert.equal(
      missing.call('getData', { path: `/valueOf/constructor/${name}`, watch: true }).err,
      -101,
      'nothing is inherited',
    );
  }
  survives(harness);
});

function aclOf(name: string) {
  return [
    name === 'anyone'
      ? { perms: 31, scheme: 'world', id: 'anyone' }
      : { perms: 31, scheme: 'digest', id: `${name}:${name}` },
  ];
}

test('a list whose scheme is such a name is refused, and so is such a credential', () => {
  const harness = new CoreHarness();
  for (const scheme of [...Object.getOwnPropertyNames(Object.prototype), '', 'Digest', 'digest\0', ' world']) {
    const client = harness.connect();
    const acl = [{ perms: 31, scheme, id: 'a:b' }];
    assert.equal(client.call('create', creation('/x', 0, '', acl)).err, -114, scheme);
    assert.equal(client.call('auth', { type: 0, scheme, auth: encodeUtf8('a:b') }).err, -115, scheme);
    assert.ok(client.closed);
  }
});

test('bytes that are no path make no znode: NUL, surrogates, over-long UTF-8, dots', () => {
  const harness = new CoreHarness();
  const client = harness.connect();
  const bad: readonly (readonly number[])[] = [
    ...[
      [0x2f, 0x00],
      [0x2f, 0x61, 0x00, 0x62],
      [0x2f, 0xc0, 0xaf],
      [0x2f, 0xc0, 0x80],
      [0x2f, 0xe0, 0x80, 0xaf],
    ],
    ...[
      [0x2f, 0xf0, 0x80, 0x80, 0xaf],
      [0x2f, 0xed, 0xa0, 0x80],
      [0x2f, 0xed, 0xbf, 0xbf],
      [0x2f, 0xf4, 0x90, 0x80, 0x80],
    ],
    ...[
      [0x2f, 0xff],
      [0x2f, 0xfe, 0xff],
      [0x2f, 0x80],
      [0x2f, 0xe2, 0x82],
      [0x2f, 0x2e],
      [0x2f, 0x2e, 0x2e],
    ],
    ...[[0x2f, 0x61, 0x2f, 0x2e, 0x2e, 0x2f, 0x62], [0x2f, 0x2f], [0x2f, 0x61, 0x2f], [0x61], [], [0x2f, 0x1b, 0x5b]],
    ...[
      [0x2f, 0x0a],
      [0x2f, 0x7f],
      [0x2f, 0xc2, 0x9b],
      [0x2f, 0xef, 0xbf, 0xbe],
    ],
    // What Java writes in two surrogates is no path on Apache's servers, so it is none here.
    ...['/\u{1f511}', '/a\u{10000}b', '/\u{10ffff}'].map((path) => [...encodeUtf8(path)]),
  ];
  for (const bytes of bad) {
    const path = new Uint8Array(bytes);
    assert.notEqual(create(client, path, ''), 0, Buffer.from(bytes).toString('hex'));
  }
  assert.deepEqual(client.must('getChildren', { path: '/', watch: false }).children, ['zookeeper']);
});

test('whatever bytes are accepted as a name come back as they were, over a restart and in a snapshot', () => {
  const anyName = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).map((text) => encodeUtf8(text)),
    fc.uint8Array({ minLength: 1, maxLength: 12 }),
    fc.constantFrom(...TRAPS).map((text) => encodeUtf8(text)),
  );
  fc.assert(
    fc.property(fc.array(anyName, { maxLength: 20 }), (names) => {
      const harness = new CoreHarness();
      const client = harness.connect();
      const made = new Set<string>();
      for (const name of names) {
        if (create(client, new Uint8Array([0x2f, ...name]), 'd') === 0) made.add(Buffer.from(name).toString('latin1'));
      }
      client.ask('getChildren', { path: '/', watch: false });
      client.take();
      const listed = Buffer.concat(client.bytes.slice(-1)).toString('latin1');
      for (const name of made) assert.ok(listed.includes(name), JSON.stringify(name));
      survives(harness);
    }),
    { numRuns: 60 },
  );
});
