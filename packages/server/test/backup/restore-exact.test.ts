import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTarget, SeededRandom } from '@headkeeper/testkit';
import { restoreState } from '../../src/backup/backup-state.ts';
import { BackupKey } from '../../src/backup/encryption.ts';
import { BackupRepository } from '../../src/backup/repository.ts';
import { RecordedHistory, seen, signal } from './recorded-history.ts';

/** Random cut points, no two the same; 10,000 of them are a matter of minutes. */
const CUTS: number = Number(process.env.HEADKEEPER_RESTORE_CUTS ?? '300');

async function backUp(history: RecordedHistory, seed: number, key: BackupKey | null): Promise<BackupRepository> {
  const random = new SeededRandom(seed);
  const repository = await BackupRepository.openOrCreate(new MemoryTarget(), key, 1, signal);
  const count = history.txns.length;
  await history.putFull(repository, 0);
  for (let from = 0; from < count; ) {
    const to = Math.min(count, from + 1 + random.below(Math.ceil(count / 12)));
    await history.putLogs(repository, from, to);
    if (random.below(3) === 0) await history.putFull(repository, from + random.below(to - from + 1));
    from = to;
  }
  return repository;
}

async function restoresExactly(history: RecordedHistory, repository: BackupRepository, cuts: number): Promise<void> {
  const random = new SeededRandom(7);
  const catalogue = await repository.catalogue(signal);
  const wanted = new Set<number>();
  while (wanted.size < cuts) wanted.add(random.below(history.txns.length));
  const { settings } = history;
  const states = new Map<number, ReturnType<typeof seen>>();
  history.walk((state, i) => {
    if (wanted.has(i)) states.set(i, seen(state.database));
  });
  let compared = 0;
  for (const at of wanted) {
    const { database, summary } = await restoreState(repository, catalogue, {
      toZxid: history.zxidAt(at),
      settings,
      signal,
    });
    assert.equal(summary.lastZxid, history.zxidAt(at));
    assert.deepEqual(seen(database), states.get(at));
    compared++;
  }
  assert.equal(compared, cuts);
}

test(`the state at any of ${CUTS} random zxids is restored exactly: tree, stats, lists, sessions, digest`, async () => {
  const history = RecordedHistory.record(11, Math.max(3000, 2 * CUTS));
  await restoresExactly(history, await backUp(history, 1, null), CUTS);
});

test('the same through several epochs, encrypted', async () => {
  const history = RecordedHistory.record(12, 1000).inEpochs([100, 101, 450, 800]);
  assert.equal(history.epochs, 5);
  const key = new BackupKey(new Uint8Array(32).fill(9));
  await restoresExactly(history, await backUp(history, 2, key), Math.min(CUTS, 100));
});
