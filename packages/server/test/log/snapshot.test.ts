import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Acl, encodeUtf8, type WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import fc from 'fast-check';
import { SnappyStreamDecoder } from '../../src/core/log/snappy.ts';
import {
  passesQuickCheck,
  SnapshotDamaged,
  SnapshotDecoder,
  type SnapshotSummary,
} from '../../src/core/log/snapshot-decoder.ts';
import { goldenBytes, goldenJson, snapshot0, snapshot3f } from './golden.ts';
import { encodeState, joined, MapState, type ModelNode } from './map-state.ts';

const LIMIT = 1 << 20;

function decode(bytes: Uint8Array, sizes: readonly number[] = [bytes.length]): [MapState, SnapshotSummary] {
  const state = new MapState();
  const decoder = new SnapshotDecoder(state, LIMIT);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const chunk = bytes.slice(at, at + (sizes[i % sizes.length] as number));
    decoder.push(chunk);
    at += chunk.length;
    chunk.fill(0xaa);
  }
  return [state, decoder.finish()];
}

interface ExpectedTree {
  readonly sessions: { id: string; timeout: number }[];
  readonly aclCache: Record<string, Acl[]>;
  readonly nodes: { path: string; dataBase64: string | null; acl: (typeof WORLD_ANYONE_ALL)[number][] }[];
}

test('a real snapshot decodes to the expected tree', () => {
  const expected = goldenJson<ExpectedTree>('datadir-alltypes/expected-tree.json');
  const [state, summary] = decode(snapshot3f);
  assert.deepEqual(
    state.sessions.map(({ high, low, timeoutMs }) => ({
      id: `0x${((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)}`,
      timeout: timeoutMs,
    })),
    expected.sessions,
  );
  assert.deepEqual(Object.fromEntries(state.acls.map(({ id, list }) => [`${id}`, list])), expected.aclCache);
  const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
  const found = [...state.nodes].map(([path, { data, aclId }]) => ({
    path: path === '' ? '/' : path,
    data: data === null ? null : Buffer.from(data).toString('base64'),
    acl: aclId === -1 ? openAcl : state.acls.find(({ id }) => id === aclId)?.list,
  }));
  const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1);
  assert.deepEqual(
    found.sort(byPath),
    expected.nodes.map(({ path, dataBase64, acl }) => ({ path, data: dataBase64, acl })).sort(byPath),
  );
  assert.deepEqual(summary, {
    sessions: 2,
    acls: 4,
    nodes: expected.nodes.length,
    digest: { zxid: 0x10000003f, high: 14, low: 0x61718347 },
    lastProcessedZxid: null,
    bytes: snapshot3f.length,
  });
});

test('real snapshots are encoded again byte for byte', () => {
  const from395 = goldenBytes('snapshot-variants/snapshot.1000001b9.from-3.9.5');
  for (const bytes of [snapshot0, snapshot3f, from395]) {
    const [state, summary] = decode(bytes);
    for (const chunkBytes of [16, 100, 4096, 1 << 16]) {
      assert.deepEqual(encodeState(state, summary, chunkBytes).bytes, bytes);
    }
  }
  assert.equal(decode(from395)[1].lastProcessedZxid, 0x1000001b9);
});

test('gz and snappy hold the same tree', () => {
  const [plain] = decode(snapshot3f);
  const gz = goldenBytes('snapshot-variants/snapshot.10000003f.gz');
  const snappy = goldenBytes('snapshot-variants/snapshot.10000003f.snappy');
  const unpacked = gunzipSync(gz);
  assert.deepEqual(new Map(decode(new Uint8Array(unpacked))[0].nodes), plain.nodes);
  for (const size of [1, 7, 1000, snappy.length]) {
    const blocks: Uint8Array[] = [];
    const decoder = new SnappyStreamDecoder((bytes) => blocks.push(bytes.slice()));
    for (let at = 0; at < snappy.length; at += size) decoder.push(snappy.subarray(at, at + size));
    decoder.finish();
    assert.deepEqual(decode(joined(blocks))[0].nodes, plain.nodes);
  }
});

test('every single byte of a snappy stream may be wrong: refused here or by the seals', () => {
  const snappy = goldenBytes('snapshot-variants/snapshot.10000003f.snappy');
  // Bytes 8 to 15 are version numbers that nobody reads.
  for (let at = 0; at < snappy.length; at += at < 32 ? 1 : 13) {
    if (at >= 8 && at < 16) continue;
    const wrong = snappy.slice();
    wrong[at] = (wrong[at] as number) ^ 0x41;
    assert.throws(() => {
      const state = new SnapshotDecoder(new MapState(), LIMIT);
      const decoder = new SnappyStreamDecoder((bytes) => state.push(bytes));
      decoder.push(wrong);
      decoder.finish();
      state.finish();
    }, SnapshotDamaged);
  }
});

test('the trailers are told apart by what is left', () => {
  const [state, { digest }] = decode(snapshot3f);
  for (const [withDigest, zxid] of [
    [null, null],
    [digest, null],
    [null, 0x10000003f],
    [digest, 0x10000003f],
  ] as const) {
    const { bytes } = encodeState(state, { digest: withDigest, lastProcessedZxid: zxid }, 512);
    const [again, summary] = decode(bytes);
    assert.deepEqual(again.nodes, state.nodes);
    assert.deepEqual([summary.digest, summary.lastProcessedZxid], [withDigest, zxid]);
    assert.ok(passesQuickCheck('', bytes.length, bytes.subarray(0, 8), bytes.subarray(-5)));
  }
});

test('every truncation and every changed byte is seen', () => {
  const from395 = goldenBytes('snapshot-variants/snapshot.1000001b9.from-3.9.5');
  // What remains after these cuts is a complete file of another kind: without trailers, or with the digest record only.
  const complete = [from395.length, from395.length - 21, from395.length - 54];
  for (let length = 0; length < from395.length; length++) {
    if (complete.includes(length)) continue;
    assert.throws(() => decode(from395.subarray(0, length)), SnapshotDamaged, `cut to ${length}`);
  }
  // The database id (8 to 15) is under the checksum like the rest; the "/" of a seal is under the next one, save the last.
  for (let at = 0; at < from395.length - 5; at++) {
    for (const change of [0x01, 0x80]) {
      const wrong = from395.slice();
      wrong[at] = (wrong[at] as number) ^ change;
      assert.throws(() => decode(wrong), SnapshotDamaged, `byte ${at}`);
    }
  }
});

test('what the sink says is wrong makes the snapshot damaged', () => {
  const [state, summary] = decode(snapshot3f);
  state.nodes.delete('/zookeeper');
  const { bytes } = encodeState(state, summary, 512);
  assert.throws(() => decode(bytes), /has no parent/);
});

test('absurd lengths are refused before anything is allocated', () => {
  const [state, summary] = decode(snapshot0);
  const { bytes } = encodeState(state, summary, 1 << 16);
  const firstPath = 16 + 4 + 4 + 12 * state.sessions.length + aclBytes(state);
  for (const length of [-2, -1, LIMIT + 1, 0x7fffffff]) {
    const wrong = bytes.slice();
    new DataView(wrong.buffer).setInt32(firstPath, length);
    assert.throws(() => decode(wrong), SnapshotDamaged);
    new DataView(wrong.buffer).setInt32(firstPath, 0);
    if (length === -1) continue;
    new DataView(wrong.buffer).setInt32(firstPath + 4, length);
    assert.throws(() => decode(wrong), SnapshotDamaged);
  }
});

function aclBytes(state: MapState): number {
  return state.acls.reduce(
    (sum, { list }) =>
      sum + 12 + list.reduce((bytes, acl) => bytes + 12 + (acl.scheme ?? '').length + (acl.id ?? '').length, 0),
    0,
  );
}

/** Objects with the ordinary prototype, which deepEqual asks for. */
const PLAIN = { noNullPrototype: true } as const;

const arbitraryAcl = fc.array(
  fc.record(
    {
      perms: fc.integer({ min: 0, max: 31 }),
      scheme: fc.string({ unit: 'grapheme' }),
      id: fc.option(fc.string()),
    },
    PLAIN,
  ),
  { maxLength: 4 },
);

const arbitraryNode = fc.record({
  name: fc.stringMatching(/^[a-zé]{1,40}$/),
  data: fc.option(fc.uint8Array({ maxLength: 600 })),
  aclId: fc.constantFrom(-1, 0, 1, 5, 4294967296, 2 ** 52),
  stat: fc.array(fc.integer(), { minLength: 15, maxLength: 15 }),
});

test('what is encoded is decoded again, whatever the chunks', () => {
  const arbitrary = fc.record({
    sessions: fc.array(fc.tuple(fc.integer(), fc.integer(), fc.integer()), { maxLength: 5 }),
    acls: fc.array(arbitraryAcl, { maxLength: 4 }),
    nodes: fc.uniqueArray(arbitraryNode, { selector: (node) => node.name, maxLength: 20 }),
    digest: fc.option(fc.record({ zxid: fc.maxSafeNat(), high: fc.integer(), low: fc.integer() }, PLAIN)),
    lastProcessedZxid: fc.option(fc.maxSafeNat()),
    chunkBytes: fc.integer({ min: 1, max: 2000 }),
    splits: fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1 }),
  });
  fc.assert(
    fc.property(arbitrary, ({ sessions, acls, nodes, digest, lastProcessedZxid, chunkBytes, splits }) => {
      const state = new MapState();
      for (const [high, low, timeoutMs] of sessions) state.loadSession(high, low, timeoutMs);
      for (const [i, list] of acls.entries()) state.loadAcl(i + 1, list);
      const add = (path: string, node: Omit<ModelNode, 'path'>): void => {
        state.nodes.set(path, { ...node, path: encodeUtf8(path) });
      };
      add('', { data: new Uint8Array(0), aclId: -1, stat: new Int32Array(15) });
      for (const { name, data, aclId, stat } of nodes) add(`/${name}`, { data, aclId, stat: Int32Array.from(stat) });
      const { bytes, chunks } = encodeState(state, { digest, lastProcessedZxid }, chunkBytes);
      assert.equal(new Set(chunks.map((chunk) => chunk.buffer)).size, chunks.length);
      const [again, summary] = decode(bytes, splits);
      assert.deepEqual(again.sessions, state.sessions);
      assert.deepEqual(again.acls, state.acls);
      assert.deepEqual(again.nodes, state.nodes);
      assert.deepEqual(summary.digest, digest);
      assert.equal(summary.lastProcessedZxid, lastProcessedZxid);
    }),
    { numRuns: 200 },
  );
});

test('the quick check asks for a seal at the end, or the mark of a compression at the beginning', () => {
  const check = (compression: '' | 'gz' | 'snappy', bytes: Uint8Array): boolean =>
    passesQuickCheck(compression, bytes.length, bytes.subarray(0, 8), bytes.subarray(-5));
  assert.ok(check('', snapshot0));
  assert.ok(!check('', snapshot0.subarray(0, 300)));
  assert.ok(!check('', snapshot0.subarray(-9)));
  assert.ok(!check('', new Uint8Array(0)));
  assert.ok(check('gz', goldenBytes('snapshot-variants/snapshot.10000003f.gz')));
  assert.ok(!check('gz', snapshot0));
  assert.ok(check('snappy', goldenBytes('snapshot-variants/snapshot.10000003f.snappy')));
  assert.ok(!check('snappy', new Uint8Array(5)));
});
