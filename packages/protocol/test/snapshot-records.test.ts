import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeNodeOrEnd,
  encodeEndOfNodes,
  fileHeader,
  LOG_FILE_HEADER,
  Reader,
  SNAPSHOT_FILE_HEADER,
  type SnapshotNode,
  snapshotACL,
  snapshotDigest,
  snapshotNode,
  snapshotSeal,
  snapshotSession,
  Writer,
} from '@headkeeper/protocol';
import { readVectorBytes, readVectorJson, toHex } from './vectors.ts';

interface ExpectedTree {
  readonly lastProcessedZxid: string;
  readonly treeDigest: string;
  readonly sessions: readonly { readonly id: string; readonly timeout: number }[];
  readonly aclCache: Readonly<Record<string, unknown>>;
  readonly nodes: readonly { readonly path: string }[];
}

for (const name of ['snapshot.0', 'snapshot.10000003f']) {
  test(`${name} taken apart and put together again is the same bytes`, () => {
    const bytes = readVectorBytes(`datadir-alltypes/data/version-2/${name}`);
    const parts = takeApart(new Reader(bytes));
    assert.equal(toHex(putTogether(parts)), toHex(bytes));
  });
}

test('snapshot.10000003f holds the expected tables', () => {
  const expected = readVectorJson<ExpectedTree>('datadir-alltypes/expected-tree.json');
  const parts = takeApart(new Reader(readVectorBytes('datadir-alltypes/data/version-2/snapshot.10000003f')));
  assert.deepEqual(parts.header, SNAPSHOT_FILE_HEADER);
  assert.deepEqual(
    parts.sessions,
    expected.sessions.map(({ id, timeout }) => ({ id: BigInt(id), timeOut: timeout })),
  );
  assert.deepEqual(Object.fromEntries(parts.acls.map(({ aclId, acl }) => [aclId, acl])), expected.aclCache);
  assert.equal(parts.nodes[0]!.path, '');
  const paths = parts.nodes.map(({ path }) => path || '/').sort();
  assert.deepEqual(paths, expected.nodes.map(({ path }) => path || '/').sort());
  assert.equal(parts.digest.treeDigest, BigInt(expected.treeDigest));
  assert.equal(parts.digest.zxid, Number(expected.lastProcessedZxid));
});

test('the log file starts with its header', () => {
  const bytes = readVectorBytes('datadir-alltypes/data/version-2/log.100000001');
  assert.deepEqual(fileHeader.decode(new Reader(bytes)), LOG_FILE_HEADER);
});

test('only the path "/" alone ends the list of nodes', () => {
  const stat = { czxid: 1, mzxid: 2, ctime: 3, mtime: 4, version: 5, cversion: 6, aversion: 7 };
  for (const path of ['', '/a', 'a', '//']) {
    const node = { path, data: null, aclId: -1, stat: { ...stat, ephemeralOwner: -(2n ** 63n), pzxid: 8 } };
    const out = new Writer();
    snapshotNode.encode(out, node);
    assert.deepEqual(decodeNodeOrEnd(new Reader(out.toBytes())), node);
  }
});

test('a digest record of a version below 2 holds its digest in hexadecimal', () => {
  for (const treeDigest of [0n, 255n, 2n ** 63n - 1n, -1n, -(2n ** 63n)]) {
    const value = { zxid: 7, digestVersion: 1, treeDigest };
    const out = new Writer();
    snapshotDigest.encode(out, value);
    assert.deepEqual(snapshotDigest.decode(new Reader(out.toBytes())), value);
  }
  for (const text of ['', '-', 'xyz', ' 1', '0x1', '8000000000000000', '-8000000000000001', '10000000000000000']) {
    const out = new Writer();
    out.long(7);
    out.int(1);
    out.string(text);
    assert.throws(() => snapshotDigest.decode(new Reader(out.toBytes())), { reason: 'malformed' }, text);
  }
});

type Parts = ReturnType<typeof takeApart>;

function takeApart(input: Reader) {
  const header = fileHeader.decode(input);
  const sessions = Array.from({ length: input.int() }, () => snapshotSession.decode(input));
  const acls = Array.from({ length: input.int() }, () => snapshotACL.decode(input));
  const nodes: SnapshotNode[] = [];
  for (let node = decodeNodeOrEnd(input); node !== null; node = decodeNodeOrEnd(input)) nodes.push(node);
  const firstSeal = snapshotSeal.decode(input);
  const digest = snapshotDigest.decode(input);
  const secondSeal = snapshotSeal.decode(input);
  assert.equal(input.remaining(), 0);
  return { header, sessions, acls, nodes, firstSeal, digest, secondSeal };
}

function putTogether(parts: Parts): Uint8Array {
  const out = new Writer();
  fileHeader.encode(out, parts.header);
  out.int(parts.sessions.length);
  for (const session of parts.sessions) snapshotSession.encode(out, session);
  out.int(parts.acls.length);
  for (const acl of parts.acls) snapshotACL.encode(out, acl);
  for (const node of parts.nodes) snapshotNode.encode(out, node);
  encodeEndOfNodes(out);
  snapshotSeal.encode(out, parts.firstSeal);
  snapshotDigest.encode(out, parts.digest);
  snapshotSeal.encode(out, parts.secondSeal);
  return out.toBytes();
}
