import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeTxn,
  encodeTxn,
  JuteError,
  type MultiTxnEntry,
  OpCode,
  Reader,
  type Txn,
  Writer,
} from '@headkeeper/protocol';
import { fromHex, readVectorJson, toHex } from './vectors.ts';

interface GoldenEntry {
  readonly typeCode: number;
  readonly txn: object;
  readonly hex: string;
}

interface GoldenRecord {
  readonly hex: string;
  readonly length: number;
  readonly header: { clientId: string; cxid: number; zxid: string; time: number; type: number; typeName: string };
  readonly txn: { readonly txns?: readonly GoldenEntry[] };
  readonly digest: { readonly version: number; readonly treeDigest: string } | null;
}

const golden = readVectorJson<{ records: GoldenRecord[] }>('datadir-alltypes/txnlog.json').records;

for (const record of golden) {
  test(`golden txn ${record.header.zxid} (${record.header.typeName})`, () => {
    const bytes = fromHex(record.hex);
    assert.equal(bytes.length, record.length);
    const reader = new Reader(bytes);
    const txn = decodeTxn(reader);
    assert.equal(reader.remaining(), 0);
    assert.deepEqual(txn, expected(record));
    const out = new Writer(1);
    encodeTxn(out, txn);
    assert.equal(toHex(out.written()), record.hex);
  });
}

test('the golden log holds every type of txn, alone or inside a multi', () => {
  const seen = new Set<number>();
  for (const { header, txn } of golden) {
    seen.add(header.type);
    for (const entry of txn.txns ?? []) seen.add(entry.typeCode);
  }
  const all = [-11, -10, -1, 1, 2, 5, 7, 13, 14, 15, 16, 19, 20, 21];
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    all,
  );
});

function expected(record: GoldenRecord): unknown {
  const { typeName, ...header } = record.header;
  return {
    header: { ...header, clientId: BigInt.asIntN(64, BigInt(header.clientId)), zxid: Number(header.zxid) },
    op: typeName,
    body: body(record.txn),
    digest: record.digest && { version: record.digest.version, treeDigest: BigInt(record.digest.treeDigest) },
  };
}

function body(txn: GoldenRecord['txn']): unknown {
  if (txn.txns !== undefined)
    return { txns: txn.txns.map((entry) => ({ type: entry.typeCode, body: body(entry.txn) })) };
  if (!('data' in txn)) return txn;
  const data = txn.data as string | null;
  return { ...txn, data: data === null ? null : new Uint8Array(Buffer.from(data, 'base64')) };
}

const HEADER = { clientId: 1n, cxid: 2, zxid: 3, time: 4 };
const DIGEST = { version: 2, treeDigest: -5n };

function roundTrip(txn: Txn): void {
  const out = new Writer();
  encodeTxn(out, txn);
  assert.deepEqual(decodeTxn(new Reader(out.toBytes())), txn);
}

test('closeSession keeps apart: no paths, null paths, empty paths, each with and without a digest', () => {
  const header = { ...HEADER, type: OpCode.closeSession };
  for (const body of [{}, { paths2Delete: null }, { paths2Delete: [] }, { paths2Delete: ['/a', '/b'] }]) {
    roundTrip({ header, op: 'closeSession', body, digest: null });
    roundTrip({ header, op: 'closeSession', body, digest: DIGEST });
  }
});

test('a create txn from before 3.4 has no parentCVersion', () => {
  const out = new Writer();
  const header = { ...HEADER, type: OpCode.create };
  const body = { path: '/a', data: null, acl: [], ephemeral: true, parentCVersion: -1 };
  encodeTxn(out, { header, op: 'create', body, digest: null });
  const old = out.toBytes().subarray(0, out.length - 4);
  assert.deepEqual(decodeTxn(new Reader(old)), { header, op: 'create', body, digest: null });
});

test('an entry of a multi cannot read beyond its own body', () => {
  const out = new Writer();
  const header = { ...HEADER, type: OpCode.multi };
  const entries: MultiTxnEntry[] = [
    { type: OpCode.error, body: { err: -103 } },
    { type: OpCode.error, body: { err: -2 } },
  ];
  encodeTxn(out, { header, op: 'multi', body: { txns: entries }, digest: DIGEST });
  const bytes = out.toBytes();
  const lengthOfFirstBody = 32 + 4 + 4;
  new DataView(bytes.buffer).setInt32(lengthOfFirstBody, 3);
  const reader = new Reader(bytes);
  assert.throws(() => decodeTxn(reader), { name: 'JuteError', reason: 'truncated' });
  assert.equal(reader.end, bytes.length, 'the window is as it was');
});

test('types that are no txns are refused, and those that may not be nested', () => {
  for (const type of [OpCode.getData, OpCode.notification, OpCode.ping, 99, -2]) {
    const out = new Writer();
    encodeTxn(out, { header: { ...HEADER, type }, op: 'error', body: { err: 0 }, digest: null });
    assert.throws(() => decodeTxn(new Reader(out.toBytes())), { name: 'JuteError', reason: 'malformed' });
  }
  for (const type of [OpCode.multi, OpCode.createSession, OpCode.closeSession, OpCode.setACL, OpCode.reconfig]) {
    const out = new Writer();
    const entry = { type, body: { err: 0 } } as unknown as MultiTxnEntry;
    encodeTxn(out, { header: { ...HEADER, type: OpCode.multi }, op: 'multi', body: { txns: [entry] }, digest: null });
    assert.throws(
      () => decodeTxn(new Reader(out.toBytes())),
      (error) => error instanceof JuteError && error.reason === 'malformed',
    );
  }
});
