import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTarget, SeededRandom } from '@headkeeper/testkit';
import { restoreState } from '../../src/backup/backup-state.ts';
import { exactSnapshot } from '../../src/backup/exact-snapshot.ts';
import { BackupRepository } from '../../src/backup/repository.ts';
import { otherHistoryText, zxidAtTime } from '../../src/backup/time-lookup.ts';
import { verifyBackup } from '../../src/backup/verify.ts';
import { RecordedHistory, signal } from './recorded-history.ts';

/** The same txns with other times. `withDigests`: they still carry those that they had, which are wrong now. */
function withTimes(history: RecordedHistory, timeOf: (index: number) => number, withDigests = false): RecordedHistory {
  return new RecordedHistory(
    history.settings,
    history.txns.map(({ zxid, body }, i) => {
      const copy = body.slice();
      new DataView(copy.buffer).setBigInt64(20, BigInt(timeOf(i)));
      // A txn's digest is of a tree with its time in the stats: left out.
      const isError = new DataView(copy.buffer).getInt32(28) === -1;
      return { zxid, body: isError || withDigests ? copy : copy.subarray(0, copy.length - 12) };
    }),
  );
}

async function backUp(history: RecordedHistory, fullsAt: readonly number[], from: number): Promise<BackupRepository> {
  const repository = await BackupRepository.openOrCreate(new MemoryTarget(), null, 1, signal);
  for (const count of fullsAt) await history.putFull(repository, count);
  const random = new SeededRandom(4);
  for (let at = from; at < history.txns.length; ) {
    const to = Math.min(history.txns.length, at + 1 + random.below(30));
    await history.putLogs(repository, at, to);
    at = to;
  }
  return repository;
}

test('a time stands for the last txn before the first that is later, whatever the clocks did', async () => {
  const recorded = RecordedHistory.record(31, 300);
  const random = new SeededRandom(8);
  const clocks: readonly ((index: number) => number)[] = [
    (i) => 1_000_000 + i * 10,
    // Several txns in a millisecond.
    (i) => 1_000_000 + Math.floor(i / 7),
    // A clock that was set back by 500 ms half way.
    (i) => 1_000_000 + i * 10 - (i > 150 ? 500 : 0),
    // One leader's clock was far ahead for a while.
    (i) => 1_000_000 + i * 10 + (i > 100 && i < 110 ? 9_000_000 : 0),
    () => 1_000_000 + random.below(3000),
  ];
  let ambiguous = 0;
  for (const clock of clocks) {
    const history = withTimes(recorded, clock);
    const repository = await backUp(history, [20, 140], 0);
    const catalogue = await repository.catalogue(signal);
    const times = history.txns.map((_, i) => history.timeAt(i));
    for (let round = 0; round < 60; round++) {
      const timeMs = 1_000_000 + random.below(3300) - 20;
      if (history.timeAt(19) > timeMs) {
        await assert.rejects(zxidAtTime(repository, catalogue, timeMs, signal), { problem: 'not-covered' });
        continue;
      }
      const later = times.findIndex((time, i) => i >= 20 && time > timeMs);
      const found = await zxidAtTime(repository, catalogue, timeMs, signal);
      assert.equal(found.zxid, later < 0 ? 300 : history.zxidAt(later - 1));
      assert.deepEqual(found.next, later < 0 ? null : { zxid: history.zxidAt(later), timeMs: history.timeAt(later) });
      const also = later < 0 ? -1 : times.findLastIndex((time, i) => i > later && time <= timeMs);
      assert.equal(found.alsoZxid, also < 0 ? null : history.zxidAt(also));
      if (also >= 0) ambiguous++;
    }
  }
  assert.ok(ambiguous > 20, `${ambiguous} times were ambiguous`);
});

test('a time before the oldest full backup says how far back the backup goes', async () => {
  const recorded = RecordedHistory.record(32, 100);
  const history = withTimes(recorded, (i) => Date.parse('2026-03-01T12:00:00Z') + i * 1000);
  const repository = await backUp(history, [50], 40);
  const catalogue = await repository.catalogue(signal);
  await assert.rejects(zxidAtTime(repository, catalogue, Date.parse('2026-03-01T12:00:45Z'), signal), {
    problem: 'not-covered',
    message:
      'The backup does not reach back to 2026-03-01T12:00:45.000Z: its oldest full backup of the newest history is ' +
      'that of 2026-03-01T12:00:49.000Z (zxid 0x32).',
  });
  const found = await zxidAtTime(repository, catalogue, Date.parse('2026-03-01T12:00:49.500Z'), signal);
  assert.deepEqual(found, {
    zxid: 50,
    next: { zxid: 51, timeMs: Date.parse('2026-03-01T12:00:50Z') },
    alsoZxid: null,
    elsewhere: [],
  });
});

test('a full backup whose last time is not known counts from when it was taken', async () => {
  const history = withTimes(RecordedHistory.record(33, 60), (i) => 1000 + i);
  const repository = await BackupRepository.openOrCreate(new MemoryTarget(), null, 1, signal);
  const facts = { zxid: 30, txnTimeMs: null, takenMs: 1035, by: 'a test', compression: 'none' } as const;
  await repository.putFull(exactSnapshot(history.stateAfter(30), true), facts, signal);
  await history.putLogs(repository, 30, 60);
  const catalogue = await repository.catalogue(signal);
  await assert.rejects(zxidAtTime(repository, catalogue, 1034, signal), { problem: 'not-covered' });
  assert.equal((await zxidAtTime(repository, catalogue, 1035, signal)).zxid, 36);
});

test('a manifest that is half written does not stand in the way', async () => {
  const history = withTimes(RecordedHistory.record(34, 60), (i) => 1000 + i);
  const target = new MemoryTarget();
  const repository = await BackupRepository.openOrCreate(target, null, 1, signal);
  await history.putFull(repository, 0);
  await history.putLogs(repository, 0, 40);
  await history.putLogs(repository, 40, 60);
  const newest = target.names().findLast((name) => name.endsWith('.json') && name.startsWith('log/')) ?? '';
  target.tamper(newest, (target.bytesOf(newest) ?? new Uint8Array(0)).slice(0, 100));
  const opened = await BackupRepository.open(target, null, signal);
  const found = await zxidAtTime(opened, await opened.catalogue(signal), 5000, signal);
  assert.deepEqual(found, { zxid: 40, next: null, alsoZxid: null, elsewhere: [] });
});

test('a manifest whose times are not those of its txns is not believed', async () => {
  const history = withTimes(RecordedHistory.record(34, 60), (i) => 1000 + i);
  const repository = await BackupRepository.openOrCreate(new MemoryTarget(), null, 1, signal);
  await history.putFull(repository, 0);
  const facts = { publishedMs: 1, by: 'a test', compression: 'none' } as const;
  for (const segment of history.segments(0, 60))
    await repository.putLog({ ...segment, maxTimeMs: 1010 }, facts, signal);
  const { settings } = history;
  const { problems } = await verifyBackup(repository, { settings, signal });
  assert.match(problems[0]?.message ?? '', /it states other times than the txns have/);
  const catalogue = await repository.catalogue(signal);
  await assert.rejects(restoreState(repository, catalogue, { toZxid: 30, settings, signal }), { problem: 'damaged' });
});

test('a history that a restore left behind is told of when it holds the time, too, and its zxid leads to its state', async () => {
  const BEGAN = Date.parse('2026-03-01T12:00:00Z');
  // One txn a second; the restored history begins 20 s after the first one has ended, 40 txns of which are left behind.
  const old = withTimes(RecordedHistory.record(35, 100), (i) => BEGAN + i * 1000);
  const newer = withTimes(RecordedHistory.record(36, 30), (i) => BEGAN + (120 + i) * 1000, true).inEpochs([0]);
  const repository = await BackupRepository.openOrCreate(new MemoryTarget(), null, 1, signal);
  await old.putFull(repository, 10);
  await old.putLogs(repository, 10, 100);
  const facts = { publishedMs: 1, by: 'a test', compression: 'none' } as const;
  for (const segment of newer.segments(0, 30)) {
    const afterZxid = segment.afterZxid === 0 ? 60 : segment.afterZxid;
    await repository.putLog({ ...segment, afterZxid }, facts, signal);
  }
  const catalogue = await repository.catalogue(signal);
  const at = async (second: number): Promise<[number, unknown[]]> => {
    const { zxid, elsewhere } = await zxidAtTime(repository, catalogue, BEGAN + second * 1000, signal);
    return [zxid, elsewhere.map((other) => other.zxid)];
  };
  assert.deepEqual(await at(40), [41, []], 'before the histories part');
  assert.deepEqual(await at(80), [60, [81]]);
  assert.deepEqual(await at(110), [60, [100]], 'the old one had ended, the new one not begun');
  assert.deepEqual(await at(125), [newer.zxidAt(5), []]);
  const { elsewhere } = await zxidAtTime(repository, catalogue, BEGAN + 80_000, signal);
  assert.equal(
    elsewhere.map(otherHistoryText).join(),
    'The history that was left at 0x3c by a restore to an earlier state reaches to 2026-03-01T12:01:39.000Z and holds that ' +
      'time, too: --to-zxid 0x51 is its state then.',
  );
});

test('a time that only a history before a gap holds is refused with the zxid that leads there', async () => {
  const history = withTimes(RecordedHistory.record(37, 100), (i) => 1_000_000 + i * 1000);
  const repository = await BackupRepository.openOrCreate(new MemoryTarget(), null, 1, signal);
  await history.putFull(repository, 10);
  await history.putLogs(repository, 10, 40);
  await history.putFull(repository, 60);
  await history.putLogs(repository, 60, 100);
  await assert.rejects(zxidAtTime(repository, await repository.catalogue(signal), 1_020_500, signal), {
    problem: 'not-covered',
    message:
      /oldest full backup of the newest history .* An older history, with a gap behind it, .* --to-zxid 0x15 is its/,
  });
});
