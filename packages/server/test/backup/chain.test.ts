import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counterOf } from '@headkeeper/protocol';
import fc from 'fast-check';
import { BackupError } from '../../src/backup/backup-error.ts';
import { type Catalogue, catalogueOf } from '../../src/backup/catalogue.ts';
import { type Chain, type Gap, planChain, requireChain } from '../../src/backup/chain.ts';
import { gapsBetween, historyLines, restorableFrom } from '../../src/backup/history-lines.ts';
import { type BackupName, dataObject, manifestObject } from '../../src/backup/naming.ts';
import type { TargetObject } from '../../src/backup/target.ts';

const EPOCH = 4294967296;

function z(epoch: number, counter: number): number {
  return epoch * EPOCH + counter;
}

function objectsOf(names: readonly BackupName[]): TargetObject[] {
  return names.flatMap((name) => [
    { name: manifestObject(name), size: 500, modifiedMs: 0 },
    { name: dataObject(name, true, false), size: 100, modifiedMs: 0 },
  ]);
}

function catalogue(names: readonly BackupName[]): Catalogue {
  return catalogueOf(objectsOf(names));
}

let uids = 0;
function uid(): string {
  return (uids++).toString(16).padStart(8, '0');
}

function full(zxid: number): BackupName {
  return { kind: 'full', zxid, uid: uid() };
}

function log(afterZxid: number, firstZxid: number, lastZxid: number): BackupName {
  return { kind: 'log', afterZxid, firstZxid, lastZxid, uid: uid() };
}

/**
 * A history with branches: each epoch goes on from some txn of an earlier one, as after a restore to that txn, and most often
 * from the last one. `parents` has the zxid before each txn.
 */
interface Model {
  readonly parents: ReadonlyMap<number, number>;
  readonly names: readonly BackupName[];
}

const anyModel: fc.Arbitrary<Model> = fc
  .record({
    epochs: fc.array(
      fc.record({
        txns: fc.integer({ min: 1, max: 9 }),
        /** How many txns the restore before it went back. */
        back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 12 })),
        skipped: fc.integer({ min: 0, max: 1 }),
        /** Whether its log begins with a full backup of counter 0, as after a restore. */
        fromFull: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    fulls: fc.array(fc.nat(), { maxLength: 5 }),
    logs: fc.array(fc.record({ at: fc.nat(), length: fc.integer({ min: 1, max: 9 }), viaFull: fc.boolean() }), {
      maxLength: 25,
    }),
    zero: fc.boolean(),
  })
  .map(({ epochs, fulls, logs, zero }) => {
    const parents = new Map<number, number>();
    let line = [0];
    let epoch = 0;
    const startFulls = new Set<number>();
    for (const { txns, back, skipped, fromFull } of epochs) {
      epoch += 1 + skipped;
      line = line.slice(0, Math.max(1, line.length - back));
      for (let i = 1; i <= txns; i++) {
        parents.set(z(epoch, i), line.at(-1) ?? 0);
        line.push(z(epoch, i));
      }
      if (fromFull) startFulls.add(z(epoch, 0));
    }
    const all = [...parents.keys()];
    const names: BackupName[] = zero ? [full(0)] : [];
    for (const start of startFulls) names.push(full(start));
    for (const at of fulls) names.push(full(all[at % all.length] ?? 0));
    for (const { at, length, viaFull } of logs) {
      const first = all[at % all.length] ?? 0;
      let last = first;
      while (last - first < length && parents.has(last + 1)) last++;
      const isEpochStart = counterOf(first) === 1;
      const after = isEpochStart && viaFull && startFulls.has(first - 1) ? first - 1 : (parents.get(first) ?? 0);
      names.push(log(after, first, last));
    }
    return { parents, names };
  });

/** Whether the objects lead to a zxid, found by trying everything. */
function leadsTo(names: readonly BackupName[], zxid: number, known: Map<number, boolean> = new Map()): boolean {
  const before = known.get(zxid);
  if (before !== undefined) return before;
  known.set(zxid, false);
  const isFull = (at: number): boolean => names.some((name) => name.kind === 'full' && name.zxid === at);
  const predecessors = (first: number): number[] => {
    if (counterOf(first) !== 1) return [first - 1];
    const said = names.flatMap((name) => (name.kind === 'log' && name.firstZxid === first ? [name.afterZxid] : []));
    return isFull(first - 1) ? [...said, first - 1] : said;
  };
  let found = isFull(zxid);
  if (!found && counterOf(zxid) === 0)
    found = predecessors(zxid + 1).some((p) => p !== zxid && leadsTo(names, p, known));
  if (!found && names.some((n) => n.kind === 'log' && n.firstZxid <= zxid && zxid <= n.lastZxid)) {
    found = predecessors(zxid).some((p) => leadsTo(names, p, known));
  }
  known.set(zxid, found);
  return found;
}

/** The txns that a chain applies, in order. */
function applied(chain: Chain): number[] {
  return chain.parts.flatMap(({ log: { firstZxid }, afterZxid, toZxid }) => {
    const from = Math.max(firstZxid, afterZxid + 1);
    return Array.from({ length: toZxid - from + 1 }, (_, i) => from + i);
  });
}

/** The txns on the way from the state of `from` to that of `to`. */
function path(parents: ReadonlyMap<number, number>, from: number, to: number): number[] {
  const way: number[] = [];
  for (let at = to; at !== from && !(counterOf(from) === 0 && at < from); ) {
    if (counterOf(at) > 0) way.push(at);
    if (counterOf(at) === 1 && at - 1 === from) break;
    at = parents.get(at) ?? 0;
    if (at === 0) break;
  }
  return way.reverse();
}

test('whatever leads to a zxid is found and is exactly the way there; else the gap is named', () => {
  let chains = 0;
  let gaps = 0;
  fc.assert(
    fc.property(anyModel, ({ parents, names }) => {
      const all = catalogue(names);
      for (const wanted of parents.keys()) {
        const plan = planChain(all, wanted);
        assert.equal(plan.kind === 'chain', leadsTo(names, wanted), `zxid ${wanted.toString(16)}`);
        if (plan.kind === 'gap') {
          gaps++;
          checkGap(all, plan, parents);
          continue;
        }
        chains++;
        assert.deepEqual(applied(plan), path(parents, plan.full.zxid, wanted));
        let at = plan.full.zxid;
        for (const part of plan.parts) {
          assert.equal(part.afterZxid, at);
          at = part.toZxid;
        }
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(chains > 500 && gaps > 500, `${chains} chains and ${gaps} gaps were looked at`);
});

function checkGap(all: Catalogue, gap: Gap, parents: ReadonlyMap<number, number>): void {
  const held = (zxid: number): boolean =>
    all.fulls.some((f) => f.zxid === zxid) || all.logs.some((l) => l.firstZxid <= zxid && zxid <= l.lastZxid);
  assert.ok(!held(gap.toZxid), 'what is said to be missing is missing');
  // Everything between the gap and what was wanted is there.
  const ancestors: number[] = [];
  for (let at: number | undefined = gap.wantedZxid; at !== undefined; at = parents.get(at)) {
    ancestors.push(at);
    if (at === gap.toZxid || at === 0) break;
    if (counterOf(at) === 1 && at - 1 === gap.toZxid) break;
  }
  for (const at of ancestors) if (at > gap.toZxid) assert.ok(held(at), `${at.toString(16)} is not missing`);
  if (gap.afterZxid === null) assert.ok(!all.fulls.some((f) => f.zxid < gap.toZxid));
  else {
    assert.ok(held(gap.afterZxid) && gap.afterZxid < gap.toZxid);
    for (const f of all.fulls) assert.ok(f.zxid <= gap.afterZxid || f.zxid >= gap.toZxid);
    for (const l of all.logs) assert.ok(l.lastZxid <= gap.afterZxid || l.firstZxid > gap.toZxid);
  }
}

test('the full backup nearest to the wanted zxid is taken', () => {
  const all = catalogue([full(0), full(z(1, 4)), full(z(1, 7)), log(0, z(1, 1), z(1, 9))]);
  const at = (counter: number): number | null => {
    const plan = planChain(all, z(1, counter));
    return plan.kind === 'chain' ? plan.full.zxid : null;
  };
  assert.deepEqual([1, 3, 4, 6, 7, 9].map(at), [0, 0, z(1, 4), z(1, 4), z(1, 7), z(1, 7)]);
});

test('after a restore to an earlier state the new history is followed, and the one that was left can still be reached', () => {
  const all = catalogue([
    full(0),
    log(0, z(1, 1), z(1, 9)),
    full(z(1, 8)),
    // Restored to 0x100000005: the next epoch goes on from there.
    log(z(1, 5), z(2, 1), z(2, 3)),
  ]);
  assert.equal(all.newestZxid, z(2, 3));
  const newest = requireChain(all, z(2, 3));
  assert.equal(newest.full.zxid, 0, 'the full backup at 0x100000008 belongs to the history that was left');
  assert.deepEqual(applied(newest), [1, 2, 3, 4, 5].map((c) => z(1, c)).concat([1, 2, 3].map((c) => z(2, c))));
  assert.equal(requireChain(all, z(1, 9)).full.zxid, z(1, 8));
  const lines = historyLines(all);
  assert.deepEqual(
    lines.map((line) => [line.toZxid, line.branchesAt]),
    [
      [z(2, 3), null],
      [z(1, 9), z(1, 5)],
    ],
  );
  assert.deepEqual(gapsBetween(lines), []);
});

test('a piece that follows the counter 0 of an epoch joins the one that tells what came before it', () => {
  const all = catalogue([
    full(z(5, 5)),
    log(z(5, 5), z(5, 6), z(5, 10)),
    log(z(5, 10), z(6, 1), z(6, 9)),
    log(z(6, 0), z(6, 1), z(6, 9)),
  ]);
  const { full: base, parts } = requireChain(all, z(6, 7));
  assert.equal(base.zxid, z(5, 5));
  assert.deepEqual(
    parts.map(({ afterZxid, toZxid }) => [afterZxid, toZxid]),
    [
      [z(5, 5), z(5, 10)],
      [z(5, 10), z(6, 7)],
    ],
  );
});

test('a history of very many epochs can be walked', () => {
  const names = [full(z(1, 0))];
  const epochs = 20_000;
  for (let epoch = 1; epoch <= epochs; epoch++) names.push(log(z(epoch - 1, 3), z(epoch, 1), z(epoch, 3)));
  assert.equal(requireChain(catalogue(names), z(epochs, 2)).parts.length, epochs);
  // Each epoch can follow two others, and none of all the ways has a beginning.
  const forked = Array.from({ length: epochs }, (_, i) => [
    log(z(i, 3), z(i + 1, 1), z(i + 1, 3)),
    log(z(Math.max(0, i - 1), 2), z(i + 1, 1), z(i + 1, 3)),
  ]).flat();
  const plan = planChain(catalogue(forked), z(epochs, 3));
  assert.deepEqual([plan.kind, plan.toZxid], ['gap', 3]);
});

test('a missing piece is named exactly, and what lies around it can be restored', () => {
  const all = catalogue([
    full(0),
    log(0, z(1, 1), z(1, 4)),
    log(z(1, 7), z(1, 8), z(1, 9)),
    full(z(1, 9)),
    log(z(1, 9), z(1, 10), z(1, 12)),
  ]);
  const plan = planChain(all, z(1, 8));
  assert.deepEqual(plan, { kind: 'gap', wantedZxid: z(1, 8), afterZxid: z(1, 4), toZxid: z(1, 7) });
  assert.throws(() => requireChain(all, z(1, 8)), {
    problem: 'gap',
    message:
      'The backup has a gap: the txns behind 0x100000004 up to 0x100000007 are missing, and without them 0x100000008 ' +
      'cannot be reached. What lies before the gap can be restored.',
  });
  assert.throws(
    () => requireChain(all, z(1, 6)),
    (error) => error instanceof BackupError && error.problem === 'not-covered' && /0x100000006/.test(error.message),
  );
  const lines = historyLines(all);
  assert.deepEqual(
    lines.map((line) => [restorableFrom(line), line.toZxid]),
    [
      [z(1, 9), z(1, 12)],
      [0, z(1, 4)],
    ],
  );
  assert.deepEqual(gapsBetween(lines), [{ kind: 'gap', wantedZxid: z(1, 12), afterZxid: z(1, 4), toZxid: z(1, 7) }]);
});

test('full backups that retention left standing alone make no gap', () => {
  const all = catalogue([full(z(1, 2)), full(z(1, 5)), full(z(1, 9)), log(z(1, 8), z(1, 9), z(1, 12))]);
  assert.deepEqual(gapsBetween(historyLines(all)), []);
});

test('lines of history hold everything that is published, once, and every zxid behind their first full backup can be reached', () => {
  fc.assert(
    fc.property(anyModel, ({ parents, names }) => {
      const all = catalogue(names);
      const lines = historyLines(all);
      for (const line of lines) {
        let at: number | null = null;
        for (const part of line.parts) {
          if (at !== null) assert.equal(part.afterZxid, at);
          at = part.toZxid;
        }
        if (at !== null && line.fulls.every(({ zxid }) => zxid <= (at ?? 0))) assert.equal(at, line.toZxid);
        const from = line.fulls[0]?.zxid;
        if (from === undefined) continue;
        for (const zxid of parents.keys()) {
          const isOn = line.parts.some((part) => part.log.firstZxid <= zxid && zxid <= part.toZxid);
          if (isOn && zxid >= from) assert.equal(planChain(all, zxid).kind, 'chain', zxid.toString(16));
        }
      }
      for (const entry of [...all.fulls, ...all.logs]) {
        const end = entry.kind === 'full' ? entry.zxid : entry.lastZxid;
        const on = lines.filter(
          (line) =>
            line.fulls.some(({ zxid }) => zxid === end) ||
            line.parts.some((part) => part.log.firstZxid <= end && end <= part.toZxid),
        );
        assert.ok(on.length >= 1, `${entry.manifest} is on a line`);
      }
    }),
    { numRuns: 300 },
  );
});
