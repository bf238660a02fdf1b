import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultyTarget, MemoryTarget } from '@headkeeper/testkit';
import { BackupKey } from '../../src/backup/encryption.ts';
import { restoreMarkObject } from '../../src/backup/naming.ts';
import { pruneBackup } from '../../src/backup/prune.ts';
import { BackupRepository } from '../../src/backup/repository.ts';
import { greatestEpoch, raiseEpoch } from '../../src/backup/restore-epoch.ts';
import { TargetError } from '../../src/backup/target.ts';
import { RecordedHistory, signal } from './recorded-history.ts';

const TWO_32 = 4294967296;
const KEY = new BackupKey(new Uint8Array(32).fill(5));
const history: RecordedHistory = RecordedHistory.record(4, 60);

async function backUp(target: MemoryTarget, key: BackupKey | null = null): Promise<BackupRepository> {
  const repository = await BackupRepository.openOrCreate(target, key, 1, signal);
  await history.putFull(repository, 0);
  await history.putLogs(repository, 0, 60);
  return repository;
}

function raise(repository: BackupRepository, jump: number | null = null): Promise<number> {
  return raiseEpoch(repository, jump, 60, 1_790_000_000_000, signal).then(({ epoch, notes }) => {
    assert.deepEqual(notes, []);
    return epoch;
  });
}

test('two restores of one backup go on in different epochs, at the same time and one after the other', async () => {
  for (const key of [null, KEY]) {
    const target = new MemoryTarget();
    const first = await backUp(target, key);
    const second = await BackupRepository.open(target, key, signal);
    const both = await Promise.all([raise(first), raise(second)]);
    assert.deepEqual(
      both.toSorted((a, b) => a - b),
      [256, 512],
    );
    assert.equal(await raise(first, 3), 515);
    const { restoredEpochs, strangers } = await first.catalogue(signal);
    assert.deepEqual([restoredEpochs, strangers], [[256, 512, 515], []]);
    const { epoch, zxid, restoredMs } = await second.restoreMark(256, signal);
    assert.deepEqual([epoch, zxid, restoredMs], [256, 60, 1_790_000_000_000]);
  }
});

test('a listing that lags behind does not make two restores go on in one epoch', async () => {
  const memory = new MemoryTarget();
  await backUp(memory);
  const faulty = new FaultyTarget(memory, 1);
  await faulty.freezeListing();
  const repository = await BackupRepository.open(faulty, null, signal);
  assert.equal(await raise(repository), 256);
  assert.equal(await raise(repository), 512);
});

test('where two puts of one name both succeed, one of the two restores takes another epoch', async () => {
  class Overwriting extends MemoryTarget {
    readonly #puts = new Map<string, Promise<void>>();
    #waiting: (() => void)[] = [];

    /** Both restores have put their mark before either looks whose it is. */
    override async put(name: string, body: AsyncIterable<Uint8Array> | Uint8Array, abort: AbortSignal): Promise<void> {
      if (name === restoreMarkObject(256) && body instanceof Uint8Array) this.tamper(name, body);
      else await super.put(name, body, abort);
      this.#puts.set(name, Promise.resolve());
    }

    override async settled(): Promise<void> {
      if (!this.#puts.has(restoreMarkObject(256)) || this.#waiting.length > 1) return;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        if (this.#waiting.length === 2) for (const wake of this.#waiting) wake();
      });
    }
  }
  const target = new Overwriting();
  const first = await backUp(target);
  const second = await BackupRepository.open(target, null, signal);
  const both = await Promise.all([raise(first), raise(second)]);
  assert.deepEqual(
    both.toSorted((a, b) => a - b),
    [256, 512],
  );
});

test('a target that cannot be marked gives a drawn epoch, and a note that says so', async () => {
  const memory = new MemoryTarget();
  await backUp(memory);
  const faulty = new FaultyTarget(memory, 1);
  const repository = await BackupRepository.open(faulty, null, signal);
  const drawn = new Set<number>();
  for (let i = 0; i < 40; i++) {
    faulty.next('put', { kind: 'fails', failure: 'denied' });
    const { epoch, notes } = await raiseEpoch(repository, null, 60, 1, signal);
    assert.ok(epoch >= 256 && epoch < 512, `epoch ${epoch}`);
    assert.match(notes.join(), /could not be marked in the backup \(.*denied.*never let the servers of the two meet/);
    drawn.add(epoch);
  }
  assert.ok(drawn.size > 5, `${drawn.size} different epochs`);
  faulty.next('put', { kind: 'fails', failure: 'denied' });
  assert.equal((await raiseEpoch(repository, 7, 60, 1, signal)).epoch, 7);
  faulty.failing('unreachable');
  await assert.rejects(raiseEpoch(repository, null, 60, 1, signal), TargetError);
});

test('an unsound object counts by its name, unless its epoch is beyond belief', async () => {
  const target = new MemoryTarget();
  const repository = await backUp(target);
  const garbage = Buffer.from('{}');
  const found = async (): Promise<[number, number]> => {
    const { epoch, warnings } = await greatestEpoch(repository, await repository.catalogue(signal), signal);
    return [epoch, warnings.length];
  };
  target.tamper('full/001ffffe00000000-0a0b0c0d.json', garbage);
  assert.deepEqual(await found(), [0, 1]);
  target.tamper('log/001ffffd00000007.001ffffe00000001.001ffffe00000009-0a0b0c0d.json', garbage);
  assert.deepEqual(await found(), [0, 2]);
  target.tamper(restoreMarkObject(2_000_000), garbage);
  const { warnings } = await greatestEpoch(repository, await repository.catalogue(signal), signal);
  assert.match(
    warnings[2] ?? '',
    /^restored\/001e848000000000\.json does not count: nothing sound .* epoch 2000000\.$/,
  );
  // A manifest that has rotted may be the last trace of a history.
  target.tamper(`full/${(300 * TWO_32).toString(16).padStart(16, '0')}-0a0b0c0d.json`, garbage);
  assert.deepEqual(await found(), [300, 3]);
  const { epoch, notes } = await raiseEpoch(repository, null, 60, 1, signal);
  assert.deepEqual([epoch, notes.length], [556, 3]);
});

test('marks outlive a prune', async () => {
  const target = new MemoryTarget(() => Date.now());
  const repository = await backUp(target);
  await raise(repository);
  const rules = { count: 1, days: 0, hourly: 0, daily: 0, weekly: 0 };
  await pruneBackup(repository, { rules, dryRun: false, signal });
  assert.ok(target.names().includes(restoreMarkObject(256)));
});
