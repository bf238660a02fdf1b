import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultyTarget, MemoryTarget } from '@headkeeper/testkit';
import fc from 'fast-check';
import { restoreState } from '../../src/backup/backup-state.ts';
import { catalogueOf } from '../../src/backup/catalogue.ts';
import { planChain } from '../../src/backup/chain.ts';
import type { FullManifest } from '../../src/backup/manifest.ts';
import { type BackupName, dataObject, manifestObject } from '../../src/backup/naming.ts';
import { pruneBackup } from '../../src/backup/prune.ts';
import { BackupRepository } from '../../src/backup/repository.ts';
import { planRetention, type RetentionRules } from '../../src/backup/retention.ts';
import { RecordedHistory, seen, signal } from './recorded-history.ts';

const NONE: RetentionRules = { count: 0, days: 0, hourly: 0, daily: 0, weekly: 0 };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Wednesday. */
const NOW = Date.parse('2026-07-15T10:30:00Z');

interface Full {
  readonly zxid: number;
  readonly takenMs: number;
  /** When it was put, by the target's clock; by default when it was taken. */
  readonly putMs?: number;
}

function plan(fulls: readonly Full[], logs: readonly (readonly [number, number])[], rules: Partial<RetentionRules>) {
  const names: BackupName[] = [];
  let uid = 0;
  const next = (): string => (uid++).toString(16).padStart(8, '0');
  for (const { zxid } of fulls) names.push({ kind: 'full', zxid, uid: next() });
  for (const [after, last] of logs) {
    names.push({ kind: 'log', afterZxid: after, firstZxid: after + 1, lastZxid: last, uid: next() });
  }
  const catalogue = catalogueOf(
    names.flatMap((name) => {
      const full = name.kind === 'full' ? fulls.find(({ zxid }) => zxid === name.zxid) : undefined;
      const modifiedMs = full?.putMs ?? full?.takenMs ?? NOW;
      return [
        { name: manifestObject(name), size: 1, modifiedMs },
        { name: dataObject(name, false, false), size: 1, modifiedMs },
      ];
    }),
  );
  const manifests = new Map<string, FullManifest>();
  for (const entry of catalogue.fulls) {
    const takenMs = fulls.find(({ zxid }) => zxid === entry.zxid)?.takenMs ?? 0;
    manifests.set(entry.manifest, { takenMs } as FullManifest);
  }
  const { keep, remove } = planRetention(catalogue, manifests, { ...NONE, ...rules });
  assert.equal(keep.length + remove.length, names.length);
  return {
    fulls: keep.flatMap((entry) => (entry.kind === 'full' ? [entry.zxid] : [])),
    logs: keep.flatMap((entry) => (entry.kind === 'log' ? [entry.lastZxid] : [])),
  };
}

test('without a rule of days no clock keeps a full backup: copied later than the newest, or taken by one that was ahead', () => {
  const newest = { zxid: 200, takenMs: NOW };
  assert.deepEqual(plan([{ zxid: 100, takenMs: NOW - DAY_MS, putMs: NOW + 1 }, newest], [], { count: 1 }).fulls, [200]);
  assert.deepEqual(plan([{ zxid: 100, takenMs: NOW + HOUR_MS }, newest], [], { count: 1 }).fulls, [200]);
});

/** One full backup every six hours for forty days, the oldest first; the zxid counts them. */
const REGULAR: readonly Full[] = Array.from({ length: 160 }, (_, i) => ({
  zxid: (i + 1) * 10,
  takenMs: NOW - (159 - i) * 6 * HOUR_MS,
}));
const LOGS: readonly (readonly [number, number])[] = REGULAR.map(({ zxid }) => [zxid, zxid + 10] as const);

test('each rule keeps what it says', () => {
  const newest = REGULAR.map(({ zxid }) => zxid);
  assert.deepEqual(plan(REGULAR, [], {}).fulls, newest, 'no rule: everything stays');
  assert.deepEqual(plan(REGULAR, [], { count: 3 }).fulls, newest.slice(-3));
  assert.deepEqual(plan(REGULAR, [], { days: 2 }).fulls, newest.slice(-8));
  assert.deepEqual(plan(REGULAR, [], { hourly: 3 }).fulls, newest.slice(-3), 'in six hours there is one');
  // Taken at 04:30, 10:30, 16:30 and 22:30: of earlier days the last one.
  assert.deepEqual(plan(REGULAR, [], { daily: 3 }).fulls, [1540, 1580, 1600]);
  // Weeks end with Sunday 22:30: the 12th and the 5th of July.
  const weeks = plan(REGULAR, [], { weekly: 3 }).fulls.map((zxid) => REGULAR[zxid / 10 - 1]?.takenMs);
  assert.deepEqual(
    weeks.map((time) => new Date(time ?? 0).toISOString()),
    ['2026-07-05T22:30:00.000Z', '2026-07-12T22:30:00.000Z', '2026-07-15T10:30:00.000Z'],
  );
  const several = plan(REGULAR, [], { count: 5, daily: 7, weekly: 4 }).fulls;
  const union = new Set([{ count: 5 }, { daily: 7 }, { weekly: 4 }].flatMap((rule) => plan(REGULAR, [], rule).fulls));
  assert.deepEqual(
    several,
    [...union].sort((a, b) => a - b),
    'what any rule keeps stays',
  );
});

test('the log stays from the oldest full backup on that count or days keeps; tiers keep no log', () => {
  assert.deepEqual(plan(REGULAR, LOGS, { count: 3, weekly: 4 }).logs, [1590, 1600, 1610]);
  assert.deepEqual(plan(REGULAR, LOGS, { days: 1, daily: 20 }).logs, [1580, 1590, 1600, 1610]);
  assert.deepEqual(plan(REGULAR, LOGS, { weekly: 4 }).logs, [1610]);
});

test('a clock that jumps, or a server that was down for a year, costs nothing', () => {
  const old = REGULAR.map((full) => ({ ...full, takenMs: full.takenMs - 365 * DAY_MS }));
  assert.equal(plan(old, [], { days: 2 }).fulls.length, 8);
  const newest = REGULAR.at(-1) as Full;
  const ahead = { ...newest, takenMs: NOW + 3650 * DAY_MS, putMs: newest.takenMs };
  assert.equal(plan([...REGULAR.slice(0, -1), ahead], [], { days: 2 }).fulls.length, 8, 'the clock of the server');
  const behind = { ...newest, putMs: NOW + 3650 * DAY_MS };
  assert.equal(plan([...REGULAR.slice(0, -1), behind], [], { days: 2 }).fulls.length, 8, 'the clock of the target');
});

test('a target with very many objects can be pruned', () => {
  const logs = Array.from({ length: 200_000 }, (_, i) => [i, i + 1] as const);
  const kept = plan(
    [
      { zxid: 10, takenMs: NOW },
      { zxid: 199_000, takenMs: NOW },
    ],
    logs,
    { count: 1 },
  );
  assert.deepEqual([kept.fulls, kept.logs.length], [[199_000], 1000]);
});

test('whatever the rules, what the newest state is restored from stays', () => {
  const anyRules = fc.record({
    count: fc.nat(4),
    days: fc.nat(4),
    hourly: fc.nat(3),
    daily: fc.nat(3),
    weekly: fc.nat(3),
  });
  const anyObjects = fc.record({
    fulls: fc.uniqueArray(fc.record({ zxid: fc.integer({ min: 1, max: 60 }), takenMs: fc.nat(40 * DAY_MS) }), {
      selector: ({ zxid }) => zxid,
      minLength: 1,
      maxLength: 8,
    }),
    logs: fc.array(
      fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 30 })).map(([a, n]) => [a, a + n] as const),
      { maxLength: 10 },
    ),
  });
  let pruned = 0;
  fc.assert(
    fc.property(anyObjects, anyRules, ({ fulls, logs }, rules) => {
      const entries = (kept: { fulls: readonly number[]; logs: readonly (readonly [number, number])[] }) =>
        catalogueOf(
          [
            ...kept.fulls.map((zxid): BackupName => ({ kind: 'full', zxid, uid: '00000000' })),
            ...kept.logs.map(
              ([a, b]): BackupName => ({
                kind: 'log',
                afterZxid: a,
                firstZxid: a + 1,
                lastZxid: b,
                uid: '00000000',
              }),
            ),
          ].map((name) => ({ name: manifestObject(name), size: 1, modifiedMs: 0 })),
        );
      const kept = plan(fulls, logs, rules);
      const left = logs.filter(([, last]) => kept.logs.includes(last));
      pruned += fulls.length - kept.fulls.length;
      const before = entries({ fulls: fulls.map(({ zxid }) => zxid), logs });
      const after = entries({ fulls: kept.fulls, logs: left });
      const newest = before.newestZxid ?? 0;
      const way = planChain(before, newest);
      if (way.kind === 'gap') return;
      const rest = planChain(after, newest);
      assert.ok(rest.kind === 'chain' && rest.full.zxid === way.full.zxid);
      assert.ok(kept.fulls.includes(Math.max(...fulls.map(({ zxid }) => zxid))));
    }),
    { numRuns: 500 },
  );
  assert.ok(pruned > 300);
});

const history: RecordedHistory = RecordedHistory.record(41, 300);
const { settings } = history;

async function backUp(target: MemoryTarget | FaultyTarget): Promise<BackupRepository> {
  const repository = await BackupRepository.openOrCreate(target, null, 1, signal);
  for (let at = 0; at < 300; at += 50) {
    await history.putFull(repository, at, NOW + at * HOUR_MS);
    await history.putLogs(repository, at, at + 50);
  }
  return repository;
}

test('pruning removes manifests with their data, says how much, and leaves the newest state as it was', async () => {
  const target = new MemoryTarget(() => NOW);
  const repository = await backUp(target);
  const rules = { ...NONE, count: 2 };
  const dry = await pruneBackup(repository, { rules, dryRun: true, signal });
  assert.equal(target.names().length, 25);
  const told: string[] = [];
  const result = await pruneBackup(repository, {
    rules,
    dryRun: false,
    signal,
    removed: (object) => told.push(object),
  });
  assert.deepEqual(result, dry);
  assert.deepEqual([result.remove.length, told.length, target.names().length], [8, 8, 9]);
  assert.ok(result.bytes > 1000);
  const catalogue = await repository.catalogue(signal);
  assert.deepEqual(
    catalogue.fulls.map(({ zxid }) => zxid),
    [200, 250],
  );
  for (const toZxid of [200, 201, 250, 300]) {
    const { database } = await restoreState(repository, catalogue, { toZxid, settings, signal });
    assert.deepEqual(seen(database), seen(history.stateAfter(toZxid)));
  }
});

test('a full backup that is damaged as far as can be seen neither counts for a rule nor goes', async () => {
  const target = new MemoryTarget(() => NOW);
  const repository = await backUp(target);
  const newest =
    target
      .names()
      .filter((name) => /^full\/.*gz$/.test(name))
      .at(-1) ?? '';
  target.tamper(newest, new Uint8Array(10));
  const result = await pruneBackup(repository, { rules: { ...NONE, count: 1 }, dryRun: false, signal });
  assert.match(result.warnings.join(), /is not there in its full size/);
  const catalogue = await repository.catalogue(signal);
  assert.deepEqual(
    catalogue.fulls.map(({ zxid }) => zxid),
    [200, 250],
  );
  const { database } = await restoreState(repository, catalogue, { toZxid: null, settings, signal });
  assert.deepEqual(seen(database), seen(history.stateAfter(300)));
});

test('left over data goes once it is a day older than the newest object', async () => {
  let now = NOW;
  const target = new MemoryTarget(() => now);
  const repository = await backUp(target);
  const leftover = 'full/0000000000000007-01234567.snapshot.gz';
  const part = 'log/0000000000000001.0000000000000002.0000000000000004-01234567.log.gz.0a0b0c0d.part';
  target.tamper(leftover, new Uint8Array(100));
  target.tamper(part, new Uint8Array(50));
  const strangers = ['Holiday.part', 'full/other.0a0b0c0d.part', 'log/movie.mkv.part'];
  for (const name of strangers) target.tamper(name, new Uint8Array(50));
  const prune = () => pruneBackup(repository, { rules: NONE, dryRun: false, signal });
  assert.deepEqual((await prune()).removeLeftovers, []);
  now += DAY_MS + 1;
  assert.deepEqual((await prune()).removeLeftovers, [], 'nothing newer was put: the clock may be wrong');
  await history.putFull(repository, 299);
  const result = await prune();
  assert.deepEqual([result.removeLeftovers.map(({ name }) => name).sort(), result.bytes], [[leftover, part], 150]);
  assert.ok(!target.names().includes(leftover) && !target.names().includes(part));
  for (const name of strangers) assert.ok(target.names().includes(name), name);
});

test('a listing from before does no harm', async () => {
  const faulty = new FaultyTarget(new MemoryTarget(() => NOW), 1);
  const repository = await BackupRepository.openOrCreate(faulty, null, 1, signal);
  for (let at = 0; at < 200; at += 50) {
    await history.putFull(repository, at, NOW + at * HOUR_MS);
    await history.putLogs(repository, at, at + 50);
  }
  await faulty.freezeListing();
  await history.putFull(repository, 200, NOW + 200 * HOUR_MS);
  await history.putLogs(repository, 200, 300);
  const rules = { ...NONE, count: 1 };
  await pruneBackup(repository, { rules, dryRun: false, signal });
  await pruneBackup(repository, { rules, dryRun: false, signal });
  faulty.thawListing();
  const catalogue = await repository.catalogue(signal);
  assert.deepEqual(
    catalogue.fulls.map(({ zxid }) => zxid),
    [150, 200],
  );
  const { database } = await restoreState(repository, catalogue, { toZxid: null, settings, signal });
  assert.deepEqual(seen(database), seen(history.stateAfter(300)));
});
