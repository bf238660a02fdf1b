import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTarget } from '@headkeeper/testkit';
import { restoreState } from '../../src/backup/backup-state.ts';
import { exactSnapshot } from '../../src/backup/exact-snapshot.ts';
import { BackupRepository } from '../../src/backup/repository.ts';
import { backUpSnapshot, type SnapshotBackup } from '../../src/backup/snapshot-backup.ts';
import { Database } from '../../src/core/database.ts';
import { adler32 } from '../../src/core/log/checksum.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import { RecordedHistory, seen, signal } from './recorded-history.ts';

const history: RecordedHistory = RecordedHistory.record(11, 300);
const { settings } = history;

async function fileOf(database: Database, withDigest: boolean): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exactSnapshot(database, withDigest)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

async function backUp(
  file: Uint8Array,
  namedZxid: number,
): Promise<{ repository: BackupRepository; done: SnapshotBackup }> {
  const repository = await BackupRepository.openOrCreate(new MemoryTarget(), null, 1, signal);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < file.length; at += 1000) yield file.subarray(at, at + 1000);
  }
  const done = await backUpSnapshot({
    repository,
    snapshot: pieces(),
    namedZxid,
    newState: () => new RecoveredState(new Database(settings)),
    by: 'a test',
    compression: 'none',
    nowMs: () => 5,
    signal,
  });
  return { repository, done };
}

test('a snapshot of one zxid is kept as it is, with and without digests', async () => {
  for (const withDigest of [true, false]) {
    const database = history.stateAfter(200);
    const { repository, done } = await backUp(await fileOf(database, withDigest), database.lastZxid);
    assert.equal(done.zxid, database.lastZxid);
    assert.equal(done.full?.digest === null, !withDigest);
    const catalogue = await repository.catalogue(signal);
    const restored = await restoreState(repository, catalogue, { toZxid: null, settings, signal });
    assert.deepEqual(seen(restored.database), seen(history.stateAfter(200)));
  }
});

test('a snapshot that a server calls by an earlier zxid is that of its digest, if that proves it', async () => {
  const database = history.stateAfter(200);
  // The server named it when it began, and nothing that it shows came after the digest was taken.
  const { done } = await backUp(await fileOf(database, true), history.zxidAt(150));
  assert.equal(done.zxid, history.zxidAt(199));
});

test('a snapshot that holds some of the changes made meanwhile is refused', async () => {
  const database = history.stateAfter(200);
  const file = await fileOf(database, true);
  // The digest of another state: as if the tree had gone on changing after its first part was written.
  const view = new DataView(file.buffer);
  // Behind the nodes: seal, digest record, seal, last zxid, seal.
  const record = file.length - 13 - 8 - 13 - 20;
  view.setInt32(record + 16, view.getInt32(record + 16) ^ 1);
  sealAgain(file, record + 20);
  sealAgain(file, record + 20 + 13 + 8);
  await assert.rejects(
    backUp(file, history.zxidAt(150)),
    /The tree changed while the server wrote the snapshot .*--data-dir/,
  );
  // Without a digest nothing can prove it.
  const undigested = await fileOf(history.stateAfter(200), false);
  await assert.rejects(backUp(undigested, history.zxidAt(150)), /The tree changed while the server wrote/);
});

test('what is cut short on the way is not kept', async () => {
  const file = await fileOf(history.stateAfter(200), true);
  for (const length of [0, 10, file.length >> 1, file.length - 1]) {
    await assert.rejects(backUp(file.subarray(0, length), history.zxidAt(199)), { problem: 'unfit' }, String(length));
  }
});

/** Makes the checksum at `at` right for what stands before it. */
function sealAgain(file: Uint8Array, at: number): void {
  new DataView(file.buffer).setUint32(at + 4, adler32(file, 0, at));
}
