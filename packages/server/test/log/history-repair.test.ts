import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { zxidIn } from '@headkeeper/protocol';
import {
  HistoryRepair,
  type RecordFacts,
  type SalvagedHistory,
  UNKNOWN_ZXID,
} from '../../src/core/log/history-repair.ts';
import type { DamagedFrame } from '../../src/core/log/log-salvage.ts';
import { limits } from '../../src/limits.ts';

const BODY = new Uint8Array(40);

/** The txn `counter` of an epoch; the first of an epoch has nothing known before it. */
function txn(epoch: number, counter: number, more: Partial<RecordFacts> = {}): RecordFacts {
  const zxid = zxidIn(epoch, counter);
  const before = counter > 1 ? zxid - 1 : UNKNOWN_ZXID;
  return { zxid, before, frameBefore: null, length: 40 + counter, adler: 1000 * epoch + counter, ...more };
}

function frame(epoch: number, counter: number): DamagedFrame {
  const { length, adler } = txn(epoch, counter);
  return { length, adler };
}

function history(records: readonly RecordFacts[], more: Partial<SalvagedHistory> = {}): SalvagedHistory {
  const none = { named: [0], tail: [], isTailWhole: true, logged: null, isLoggedLast: false };
  return { records, ...none, ...more };
}

function repairOf(own: SalvagedHistory, offers: readonly RecordFacts[], base = 0): HistoryRepair {
  const repair = new HistoryRepair(own, 1 << 20);
  repair.addSnapshot(base);
  repair.wanted();
  for (const offer of offers) repair.offer(offer, BODY);
  return repair;
}

const FIRST = { before: 0 };

describe('a history is put together', () => {
  it('with the txns that are missing between two of its own', () => {
    const own = history([txn(1, 1, FIRST), txn(1, 4)]);
    const repair = repairOf(own, [txn(1, 3)]);
    assert.deepEqual(repair.wanted(), [{ from: zxidIn(1, 2), to: zxidIn(1, 3) }]);
    const missing = repair.plan();
    assert.equal(missing.kind, 'lacks');
    assert.ok(missing.kind === 'lacks' && missing.from === zxidIn(1, 2) && missing.to === zxidIn(1, 2));
    repair.offer(txn(1, 2), BODY);
    assert.deepEqual(repair.plan(), { kind: 'whole', base: 0, zxids: [1, 2, 3, 4].map((at) => zxidIn(1, at)) });
    assert.notEqual(repair.bodyOf(zxidIn(1, 2)), null);
    assert.equal(repair.bodyOf(zxidIn(1, 1)), null);
  });

  it('only when somebody knows where the epoch before has ended', () => {
    const own = history([txn(1, 1, FIRST), txn(2, 2)]);
    const repair = repairOf(own, [txn(1, 2), txn(1, 3), txn(2, 1)]);
    assert.equal(repair.plan().kind, 'lacks');
    repair.offer(txn(2, 1, { before: zxidIn(1, 2) }), BODY);
    const zxids = [zxidIn(1, 1), zxidIn(1, 2), zxidIn(2, 1), zxidIn(2, 2)];
    assert.deepEqual(repair.plan(), { kind: 'whole', base: 0, zxids });
  });

  it('where what is before an epoch is damaged, too, by its checksum', () => {
    const own = history([txn(1, 1, FIRST), txn(2, 1, { frameBefore: frame(1, 2) })]);
    const repair = repairOf(own, [txn(1, 2), txn(1, 3)]);
    assert.deepEqual(repair.plan(), { kind: 'whole', base: 0, zxids: [zxidIn(1, 1), zxidIn(1, 2), zxidIn(2, 1)] });
  });

  it('not when servers contradict each other', () => {
    const own = history([txn(1, 1, FIRST), txn(2, 2)]);
    const differ = repairOf(own, [txn(1, 2), txn(2, 1, { before: zxidIn(1, 2) }), txn(2, 1, { before: zxidIn(1, 1) })]);
    assert.match((differ.plan() as { why: string }).why, /one server has 0x100000002, another 0x100000001/);
    const other = repairOf(own, [txn(2, 2, { adler: 5 })]);
    assert.match((other.plan() as { why: string }).why, /different txns 0x200000002/);
  });

  it('not when something of its own is not on the way', () => {
    const own = history([txn(1, 1, FIRST), txn(1, 2), txn(1, 3), txn(2, 2)]);
    const repair = repairOf(own, [txn(2, 1, { before: zxidIn(1, 2) })]);
    assert.match((repair.plan() as { why: string }).why, /0x100000003, which is intact, is not on the way/);
  });

  it('behind a snapshot of somebody else', () => {
    const own = history([txn(1, 5), txn(1, 6)], { named: [zxidIn(1, 4), zxidIn(1, 5)] });
    const repair = new HistoryRepair(own, 1 << 20);
    assert.deepEqual(repair.wanted(), []);
    assert.deepEqual(repair.plan(), { kind: 'snapshot', upTo: zxidIn(1, 6) });
    repair.addSnapshot(zxidIn(1, 3));
    assert.deepEqual(repair.wanted(), [{ from: zxidIn(1, 4), to: zxidIn(1, 4) }]);
    repair.offer(txn(1, 4), BODY);
    assert.deepEqual(repair.plan(), {
      kind: 'whole',
      base: zxidIn(1, 3),
      zxids: [4, 5, 6].map((at) => zxidIn(1, at)),
    });
  });

  it('with no more txns of others than may be held', () => {
    const own = history([txn(1, 1, FIRST), txn(1, 4)]);
    const repair = new HistoryRepair(own, Math.min(limits.repairBytes, BODY.length));
    repair.addSnapshot(0);
    repair.wanted();
    repair.offer(txn(1, 2), BODY);
    repair.offer(txn(1, 3), BODY);
    repair.offer(txn(1, 9), BODY);
    assert.equal(repair.bodyOf(zxidIn(1, 9)), null, 'nobody has asked for it');
    assert.match((repair.plan() as { why: string }).why, /more is missing than can be held/);
  });
});

describe('the end of a history', () => {
  const begun = [txn(1, 1, FIRST), txn(1, 2)];

  it('is that of its damaged records, which others have', () => {
    const own = history(begun, { tail: [frame(1, 3), frame(2, 1)] });
    const repair = repairOf(own, [txn(1, 3), txn(2, 1, { before: zxidIn(1, 3) }), txn(2, 2)]);
    const zxids = [...begun.map(({ zxid }) => zxid), zxidIn(1, 3), zxidIn(2, 1)];
    assert.deepEqual(repair.plan(), { kind: 'whole', base: 0, zxids });
    assert.equal(repair.bodyOf(zxidIn(2, 2)), null, 'it was never here');
  });

  it('is not what others have, if it was another txn', () => {
    const own = history(begun, { tail: [{ length: 99, adler: 9 }] });
    const plan = repairOf(own, [txn(1, 3)]).plan();
    assert.deepEqual({ ...plan, why: '' }, { kind: 'lacks', from: zxidIn(1, 3), to: null, why: '' });
  });

  it('is where the mark says, if as many are there and only a checksum is damaged', () => {
    const tail = [{ length: txn(1, 3).length, adler: 9 }];
    const own = history(begun, { tail, logged: zxidIn(1, 3) });
    assert.equal(repairOf(own, [txn(1, 3)]).plan().kind, 'whole');
    // A length that leads to the end of a later record would hide one.
    const merged = history(begun, { tail: [{ length: 120, adler: 9 }], logged: zxidIn(1, 3) });
    assert.equal(repairOf(merged, [txn(1, 3)]).plan().kind, 'lacks');
  });

  it('is not known where the rest of the log is lost', () => {
    const own = history(begun, { isTailWhole: false, logged: zxidIn(1, 4) });
    const plan = repairOf(own, [txn(1, 3), txn(1, 4)]).plan();
    assert.ok(plan.kind === 'lacks' && plan.from === zxidIn(1, 3) && plan.to === null);
  });

  it('is known when the server was stopped in order', () => {
    const own = history(begun, { isTailWhole: false, logged: zxidIn(1, 4), isLoggedLast: true });
    const repair = repairOf(own, [txn(1, 3), txn(1, 4), txn(1, 5)]);
    assert.deepEqual(repair.plan(), { kind: 'whole', base: 0, zxids: [1, 2, 3, 4].map((at) => zxidIn(1, at)) });
    assert.equal(repair.bodyOf(zxidIn(1, 5)), null);
  });

  it('is not where a mark says that something intact contradicts', () => {
    const behind = history([...begun, txn(1, 3)], { isTailWhole: false, logged: zxidIn(1, 2), isLoggedLast: true });
    assert.equal(repairOf(behind, []).plan().kind, 'lacks');
    const more = { tail: [frame(1, 3), frame(1, 4)], logged: zxidIn(1, 3), isLoggedLast: true };
    const plan = repairOf(history(begun, more), [txn(1, 3), txn(1, 4)]).plan();
    assert.ok(plan.kind === 'whole' && plan.zxids.at(-1) === zxidIn(1, 4), 'all of it is brought back');
  });

  it('is not before what the mark or a name tells of', () => {
    const marked = repairOf(history(begun, { logged: zxidIn(1, 4) }), [txn(1, 3), txn(1, 4)]).plan();
    assert.deepEqual({ ...marked, why: '' }, { kind: 'lacks', from: zxidIn(1, 3), to: zxidIn(1, 4), why: '' });
    const named = repairOf(history(begun, { named: [0, zxidIn(1, 4)] }), [txn(1, 3), txn(1, 4)]).plan();
    assert.deepEqual({ ...named, why: '' }, { kind: 'lacks', from: zxidIn(1, 3), to: zxidIn(1, 4), why: '' });
  });

  it('is that of the state that a leader has sent, where nothing has come behind it', () => {
    const own = history([], { named: [zxidIn(1, 4)] });
    const repair = new HistoryRepair(own, 1 << 20);
    repair.addSnapshot(zxidIn(1, 2));
    assert.deepEqual(repair.wanted(), [{ from: zxidIn(1, 3), to: zxidIn(1, 4) }]);
    repair.offer(txn(1, 3), BODY);
    repair.offer(txn(1, 4), BODY);
    assert.deepEqual(repair.plan(), { kind: 'whole', base: zxidIn(1, 2), zxids: [zxidIn(1, 3), zxidIn(1, 4)] });
  });
});
