import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeTxn, OpCode, type Txn, WORLD_ANYONE_ALL, Writer } from '@headkeeper/protocol';
import { CoreHarness, MemoryTarget } from '@headkeeper/testkit';
import { type FoundChange, findChange, type SoughtOperation } from '../../src/backup/change-search.ts';
import { exactSnapshot } from '../../src/backup/exact-snapshot.ts';
import { BackupRepository } from '../../src/backup/repository.ts';
import { type LogSegment, SegmentBuilder } from '../../src/backup/segment-builder.ts';
import { Database } from '../../src/core/database.ts';
import { adler32 } from '../../src/core/log/checksum.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import { signal } from './recorded-history.ts';

type Step = Pick<Txn, 'op' | 'body'> & { readonly session: bigint; readonly laterMs?: number };

const ALICE = 0xa11cen;
const BOB = 0xb0bn;
const create = (path: string, session = ALICE): Step => ({
  op: 'create',
  body: { path, data: null, acl: WORLD_ANYONE_ALL, ephemeral: false, parentCVersion: 1 },
  session,
});
const remove = (path: string, session = ALICE): Step => ({ op: 'delete', body: { path }, session });
const set = (path: string, session = ALICE): Step => ({
  op: 'setData',
  body: { path, data: null, version: 1 },
  session,
});
const multi = (types: readonly number[], path: string): Step => ({
  op: 'multi',
  body: {
    txns: types.map((type) =>
      type === OpCode.error
        ? { type: OpCode.error, body: { err: -2 } }
        : { type: OpCode.setData, body: { path, data: null, version: 1 } },
    ),
  },
  session: ALICE,
});

/** A backup of txns 1, 2, ... in pieces of so many. */
async function backupOf(steps: readonly Step[], piece: number): Promise<BackupRepository> {
  const repository = await BackupRepository.openOrCreate(new MemoryTarget(), null, 1, signal);
  const state = new RecoveredState(new Database(new CoreHarness().settings));
  state.loaded(0, null);
  const facts = { by: 'a test', compression: 'none' } as const;
  await repository.putFull(
    exactSnapshot(state.database, true),
    { ...facts, zxid: 0, txnTimeMs: 0, takenMs: 0 },
    signal,
  );
  for (let from = 0; from < steps.length; from += piece) {
    await repository.putLog(segmentOf(steps, from, from + piece), { ...facts, publishedMs: 1 }, signal);
  }
  return repository;
}

/** The txns behind `from` up to `to`. */
function segmentOf(steps: readonly Step[], from: number, to: number): LogSegment {
  const builder = new SegmentBuilder(from);
  for (const [i, { op, body, session, laterMs = 0 }] of steps.slice(from, to).entries()) {
    const out = new Writer();
    const zxid = from + i + 1;
    const header = { clientId: session, cxid: 1, zxid, time: 1000 + zxid + laterMs, type: OpCode[op] };
    encodeTxn(out, { header, op, body, digest: null } as Txn);
    builder.add(out.bytes, 0, out.length, adler32(out.bytes, 0, out.length));
  }
  return builder.finish();
}

async function find(
  steps: readonly Step[],
  path: string,
  operation: SoughtOperation | null,
): Promise<FoundChange | null> {
  let first: FoundChange | null | undefined;
  for (const piece of [100, 3, 1]) {
    const repository = await backupOf(steps, piece);
    const found = await findChange(repository, await repository.catalogue(signal), { path, operation }, signal);
    if (first === undefined) first = found;
    assert.deepEqual(found, first, `in pieces of ${piece}`);
  }
  return first ?? null;
}

describe('the state before a change', () => {
  const story: readonly Step[] = [
    create('/config'), // 1
    create('/config/a'),
    create('/config/b'),
    set('/config/a', BOB), // 4
    create('/other', BOB),
    remove('/config/a', BOB), // 6
    set('/other'),
    remove('/config/b', BOB), // 8
    remove('/config', BOB), // 9
    set('/other'),
  ];

  it('is before all that a recursive delete removed', async () => {
    assert.deepEqual(await find(story, '/config', 'delete'), {
      beforeZxid: 5,
      zxid: 9,
      timeMs: 1009,
      session: BOB,
      operation: 'delete',
      firstZxid: 6,
      removedBelow: 2,
    });
  });

  it('is before the last of several changes', async () => {
    const found = await find(story, '/other', 'setData');
    assert.deepEqual([found?.beforeZxid, found?.zxid, found?.session], [9, 10, ALICE]);
    const any = await find(story, '/config/a', null);
    assert.deepEqual([any?.beforeZxid, any?.zxid, any?.operation], [5, 6, 'delete']);
    assert.equal((await find(story, '/config', 'create'))?.beforeZxid, 0);
  });

  it('does not go beyond what another session did, or what was put there in between', async () => {
    const others = [create('/config'), create('/config/a'), remove('/config/a', ALICE), remove('/config', BOB)];
    const found = await find(others, '/config', 'delete');
    assert.deepEqual([found?.beforeZxid, found?.removedBelow], [3, 0]);
    const refilled = [
      create('/config'),
      create('/config/a'),
      remove('/config/a', BOB),
      create('/config/a'),
      remove('/config/a', BOB),
      remove('/config', BOB),
    ];
    assert.equal((await find(refilled, '/config', 'delete'))?.beforeZxid, 4);
  });

  it('is found although a manifest is half written, or a piece was replaced since the listing', async () => {
    const repository = await backupOf(story, 3);
    const target = repository.target as MemoryTarget;
    const catalogue = await repository.catalogue(signal);
    const [, , replaced, newest] = catalogue.logs.map(({ manifest }) => manifest);
    assert.ok(replaced !== undefined && newest !== undefined);
    target.tamper(newest, (target.bytesOf(newest) ?? new Uint8Array(0)).slice(0, 100));
    await repository.putLog(segmentOf(story, 6, 9), { publishedMs: 1, by: 'a test', compression: 'none' }, signal);
    await target.remove(replaced, signal);
    const opened = await BackupRepository.open(target, null, signal);
    const found = await findChange(opened, catalogue, { path: '/config', operation: 'delete' }, signal);
    assert.deepEqual([found?.beforeZxid, found?.zxid], [5, 9]);
    // What is published and damaged may hold a later change: that is not gone round.
    const listed = await opened.catalogue(signal);
    const data = listed.logs.find(({ lastZxid }) => lastZxid === 9)?.data?.name ?? '';
    target.tamper(data, new Uint8Array(20));
    const sought = { path: '/config/a', operation: null };
    await assert.rejects(findChange(opened, listed, sought, signal), { problem: 'damaged', object: data });
  });

  it('does not go beyond what was done in one go', async () => {
    const steps = [
      create('/a'),
      create('/a/b'),
      remove('/a/b'),
      create('/other'),
      { ...remove('/a'), laterMs: 20_000 },
    ];
    const found = await find(steps, '/a', 'delete');
    assert.deepEqual([found?.beforeZxid, found?.removedBelow], [4, 0]);
  });

  it('looks into what was done together, unless that failed', async () => {
    const steps = [
      create('/a'),
      multi([OpCode.setData, OpCode.setData], '/a'),
      multi([OpCode.setData, OpCode.error], '/a'),
    ];
    const found = await find(steps, '/a', 'setData');
    assert.deepEqual([found?.beforeZxid, found?.zxid], [1, 2]);
  });

  it('is none when there was no such change', async () => {
    assert.equal(await find(story, '/config/b', 'setData'), null);
    assert.equal(await find(story, '/con', null), null);
  });
});
