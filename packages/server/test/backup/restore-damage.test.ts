import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTarget, SeededRandom } from '@headkeeper/testkit';
import { BackupError } from '../../src/backup/backup-error.ts';
import { restoreState } from '../../src/backup/backup-state.ts';
import { BackupKey } from '../../src/backup/encryption.ts';
import { HEAD_OBJECT, manifestObject, parseObjectName } from '../../src/backup/naming.ts';
import { BackupRepository } from '../../src/backup/repository.ts';
import { withSoundEnd } from '../../src/backup/sound-end.ts';
import { verifyBackup } from '../../src/backup/verify.ts';
import { RecordedHistory, seen, signal } from './recorded-history.ts';

const KEY = new BackupKey(new Uint8Array(32).fill(5));
const history: RecordedHistory = RecordedHistory.record(21, 400);
const { settings } = history;

/** Full backups at 0, 150 and 300, the log in four pieces, one of which is there twice in smaller ones. */
async function backUp(key: BackupKey | null): Promise<MemoryTarget> {
  const target = new MemoryTarget();
  const repository = await BackupRepository.openOrCreate(target, key, 1, signal);
  for (const count of [0, 150, 300]) await history.putFull(repository, count);
  for (const [from, to] of [
    [0, 100],
    [100, 200],
    [200, 300],
    [200, 230],
    [230, 300],
    [300, 400],
  ] as const) {
    await history.putLogs(repository, from, to);
  }
  return target;
}

function spoil(target: MemoryTarget, name: string, how: number): void {
  const bytes = target.bytesOf(name) ?? new Uint8Array(0);
  const changed = bytes.slice();
  const at = how % Math.max(1, bytes.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << (how % 8));
  target.tamper(name, [changed, null, bytes.slice(0, at), new Uint8Array(0)][how % 4] ?? null);
}

test('with any one object spoilt a restore is right, or says which object it was', async () => {
  for (const key of [null, KEY]) {
    const names = (await backUp(key)).names().filter((name) => name !== HEAD_OBJECT);
    const random = new SeededRandom(5);
    let right = 0;
    let refused = 0;
    for (const name of names) {
      for (let round = 0; round < 4; round++) {
        const target = await backUp(key);
        const victim = target.names().find((each) => sameRange(each, name)) ?? '';
        spoil(target, victim, random.below(1_000_000) * 4 + round);
        const repository = await BackupRepository.open(target, key, signal);
        const catalogue = await repository.catalogue(signal);
        const toZxid = 1 + random.below(400);
        try {
          const { database } = await restoreState(repository, catalogue, { toZxid, settings, signal });
          assert.deepEqual(seen(database), seen(history.stateAfter(toZxid)));
          right++;
        } catch (error) {
          assert.ok(error instanceof BackupError, String(error));
          const gone = !target.names().includes(victim) && victim.endsWith('.json');
          if (!gone) assert.equal(manifestOf(error.object), manifestOf(victim), error.message);
          refused++;
        }
      }
    }
    assert.ok(right > 2 * refused && refused > 0, `${right} right, ${refused} refused`);
  }
});

function manifestOf(object: string | null): string | null {
  const parsed = parseObjectName(object ?? '');
  return parsed === null ? null : manifestObject(parsed.name);
}

/** Names but for their random part. */
function sameRange(a: string, b: string): boolean {
  return a.replace(/-.{8}/, '') === b.replace(/-.{8}/, '');
}

function find(target: MemoryTarget, pattern: RegExp): string {
  const name = target.names().find((each) => pattern.test(each));
  assert.ok(name !== undefined, String(pattern));
  return name;
}

test('a damaged full backup is gone round by an older one and the log, with a warning', async () => {
  const target = await backUp(null);
  spoil(target, find(target, /^full\/0*12c-.*gz$/), 400);
  const repository = await BackupRepository.open(target, null, signal);
  const told: string[] = [];
  const { database, chain, warnings } = await restoreState(repository, await repository.catalogue(signal), {
    toZxid: null,
    settings,
    signal,
    warn: (message) => told.push(message),
  });
  assert.equal(chain.full.zxid, 150);
  assert.deepEqual(seen(database), seen(history.stateAfter(400)));
  assert.deepEqual(told, warnings);
  assert.match(warnings.join(), /12c-.* is damaged/);
});

test('the newest state is not quietly replaced by an older one when its log is damaged', async () => {
  const target = await backUp(null);
  const victim = find(target, /^log\/.*\.0*190-.*gz$/);
  spoil(target, victim, 400);
  const repository = await BackupRepository.open(target, null, signal);
  const catalogue = await repository.catalogue(signal);
  await assert.rejects(restoreState(repository, catalogue, { toZxid: null, settings, signal }), (error) => {
    assert.ok(error instanceof BackupError);
    assert.equal(error.object, victim);
    assert.match(error.message, /There is no other way to zxid 0x190\. What can be restored ends at 0x12c/);
    return true;
  });
  const { database } = await restoreState(repository, catalogue, { toZxid: 300, settings, signal });
  assert.deepEqual(seen(database), seen(history.stateAfter(300)));
});

test('objects whose contents are exchanged, with manifests that fit, are noticed', async () => {
  const other = RecordedHistory.record(22, 400);
  const target = await backUp(null);
  const repository = await BackupRepository.open(target, null, signal);
  // A log of another history, whole and published properly.
  for (const name of target.names()) if (name.startsWith('log/')) target.tamper(name, null);
  await other.putLogs(repository, 0, 400);
  const catalogue = await repository.catalogue(signal);
  await assert.rejects(restoreState(repository, catalogue, { toZxid: 400, settings, signal }), {
    problem: 'damaged',
    message: /contradicts itself.*has not the digest/,
  });
});

test('verify finds a sound backup sound, and has looked at all of it', async () => {
  for (const key of [null, KEY]) {
    const target = await backUp(key);
    const repository = await BackupRepository.open(target, key, signal);
    let last = { bytes: 0, totalBytes: 1 };
    const report = await verifyBackup(repository, { settings, signal, progress: (progress) => (last = progress) });
    assert.deepEqual(report.problems, []);
    assert.ok(report.sound);
    assert.deepEqual([report.fulls, report.logs, report.txns, report.newestRestorableZxid], [3, 6, 500, 400]);
    assert.equal(report.digestsCompared, 3);
    assert.equal(last.bytes, last.totalBytes);
  }
});

test('verify names whatever object is spoilt, goes on behind it, and says what can still be restored', async () => {
  const names = (await backUp(KEY)).names().filter((name) => name !== HEAD_OBJECT && !name.endsWith('.json'));
  const random = new SeededRandom(6);
  for (const name of names) {
    for (let round = 0; round < 4; round++) {
      const target = await backUp(KEY);
      const victim = find(target, new RegExp(`^${name.replace(/-.{8}/, '-.{8}')}`));
      spoil(target, victim, random.below(1_000_000) * 4 + round);
      const repository = await BackupRepository.open(target, KEY, signal);
      const report = await verifyBackup(repository, { settings, signal });
      const damaged = report.problems.filter(({ kind }) => kind === 'damaged');
      assert.deepEqual(
        damaged.map(({ object }) => object),
        [victim],
      );
      const newest = /\.0*190-/.test(victim) ? 300 : 400;
      assert.equal(report.newestRestorableZxid, newest, victim);
    }
  }
});

test('verify finds that the log does not lead to the next full backup, and that two pieces disagree', async () => {
  const target = await backUp(null);
  const repository = await BackupRepository.open(target, null, signal);
  const changed = new RecordedHistory(
    settings,
    history.txns.map(({ zxid, body }, i) => {
      if (i < 210 || i >= 220) return { zxid, body };
      const copy = body.slice();
      // Another client id.
      copy[7] = (copy[7] ?? 0) ^ 0x55;
      return { zxid, body: copy };
    }),
  );
  await changed.putLogs(repository, 205, 225);
  const report = await verifyBackup(repository, { settings, signal });
  assert.ok(
    report.problems.some(({ kind, message }) => kind === 'contradiction' && /different txns under 0x/.test(message)),
  );

  const gapped = await backUp(null);
  gapped.tamper(find(gapped, /^log\/.*\.0*c8-.*json$/), null);
  const gap = await verifyBackup(await BackupRepository.open(gapped, null, signal), { settings, signal });
  assert.deepEqual(
    gap.problems.map(({ kind, message }) => [kind, message]),
    [
      ['gap', 'The txns behind 0x96 up to 0xc8 are missing.'],
      ['gap', 'The txns behind 0x64 up to 0x96 are missing.'],
    ],
  );
});

test('pieces of log that are rolled up while a restore or a verification runs are no damage', async () => {
  const target = new MemoryTarget();
  const repository = await BackupRepository.openOrCreate(target, null, 1, signal);
  await history.putFull(repository, 100);
  for (let at = 100; at < 400; at += 20) await history.putLogs(repository, at, at + 20);
  const before = await repository.catalogue(signal);
  const rollUp = async (): Promise<void> => {
    await history.putLogs(repository, 100, 400);
    for (const log of before.logs) await repository.remove(log, signal);
  };
  const other = await BackupRepository.open(target, null, signal);
  let rolledUp: Promise<void> | null = null;
  const { database, chain } = await restoreState(other, before, {
    toZxid: null,
    settings,
    signal,
    progress: () => {
      rolledUp ??= rollUp();
    },
  });
  await rolledUp;
  assert.deepEqual(seen(database), seen(history.stateAfter(400)));
  assert.equal(chain.parts.length, 1);

  const third = await BackupRepository.open(target, null, signal);
  let removed: Promise<void> | null = null;
  const report = await verifyBackup(third, {
    settings,
    signal,
    progress: () => {
      removed ??= (async () => {
        const { logs } = await repository.catalogue(signal);
        await history.putLogs(repository, 100, 400);
        for (const log of logs) await repository.remove(log, signal);
      })();
    },
  });
  await removed;
  assert.deepEqual(report.problems, []);
  assert.equal(report.newestRestorableZxid, 400);
});

test('names of a far zxid that no manifest stands behind are passed over, and a warning tells', async () => {
  for (const name of [
    'full/001ffffe00000000-0a0b0c0d.json',
    'log/001ffffd00000007.001ffffe00000001.001ffffe00000009-0a0b0c0d.json',
    'log/00000000000001f4.00000000000001f5.00000000000001f6-0a0b0c0d.json',
  ]) {
    const target = await backUp(null);
    target.tamper(name, Buffer.from('{}'));
    const repository = await BackupRepository.open(target, null, signal);
    const listed = await repository.catalogue(signal);
    const { database, warnings } = await restoreState(repository, listed, { toZxid: null, settings, signal });
    assert.deepEqual(seen(database), seen(history.stateAfter(400)), name);
    assert.match(warnings.join(), new RegExp(`^${name} does not count: `));
    const { catalogue } = await withSoundEnd(repository, listed, signal);
    assert.equal(catalogue.newestZxid, 400);
  }
});
