import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CoreHarness, MemoryTarget } from '@headkeeper/testkit';
import { createNodeDisk } from '../../src/adapters/disk/node-disk.ts';
import { restoreState } from '../../src/backup/backup-state.ts';
import { backUpDataDir, type DataDirBackup } from '../../src/backup/data-dir-backup.ts';
import { BackupRepository } from '../../src/backup/repository.ts';
import { verifyBackup } from '../../src/backup/verify.ts';
import { Database } from '../../src/core/database.ts';
import { RecoveryRefused } from '../../src/core/log/recovery-refused.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import { goldenBytes, goldenJson } from '../log/golden.ts';
import { seen, signal } from './recorded-history.ts';

const VECTORS = fileURLToPath(new URL('../../../../testkit/vectors/', import.meta.url));
const SETTINGS = new CoreHarness().settings;
const FIRST = 0x100000001;
const LAST = 0x10000003f;

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A copy of the directory that Apache ZooKeeper wrote. */
function apacheFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'headkeeper-data-dir-'));
  folders.push(folder);
  cpSync(path.join(VECTORS, 'datadir-alltypes/data'), folder, { recursive: true });
  return folder;
}

function backUp(dataDir: string, repository: BackupRepository): Promise<DataDirBackup> {
  return backUpDataDir({
    repository,
    disk: createNodeDisk(),
    dataDir,
    dataLogDir: dataDir,
    newState: () => new RecoveredState(new Database(SETTINGS)),
    by: 'a test',
    compression: 'gzip',
    nowMs: () => 1_800_000_000_000,
    signal,
  });
}

function newRepository(): Promise<BackupRepository> {
  return BackupRepository.openOrCreate(new MemoryTarget(), null, 1, signal);
}

function filesOf(folder: string): [string, string][] {
  const base = path.join(folder, 'version-2');
  return readdirSync(base)
    .sort()
    .map((name) => [name, readFileSync(path.join(base, name)).toString('base64')]);
}

describe('a backup of a data directory', () => {
  it('has every state of the log that Apache ZooKeeper wrote, and changes nothing there', async () => {
    const folder = apacheFolder();
    const before = filesOf(folder);
    const repository = await newRepository();
    const done = await backUp(folder, repository);
    assert.deepEqual(
      [done.zxid, done.historyFromZxid, done.txns, done.segments, done.full?.zxid, done.warnings],
      [LAST, 0, 63, 1, LAST, []],
    );
    assert.deepEqual(filesOf(folder), before);
    const catalogue = await repository.catalogue(signal);
    const records = goldenJson<{ records: { header: { zxid: string }; digestAfter?: unknown }[] }>(
      'datadir-alltypes/txnlog.json',
    ).records;
    // Each txn carries the digest of the tree after it: a state that is not exact would be refused.
    for (const { header } of records) {
      const toZxid = Number(header.zxid);
      const { database } = await restoreState(repository, catalogue, { toZxid, settings: SETTINGS, signal });
      assert.equal(database.lastZxid, toZxid);
    }
    const { sound, problems } = await verifyBackup(repository, { settings: SETTINGS, signal });
    assert.deepEqual([sound, problems], [true, []]);
  });

  it('knows the times of its states', async () => {
    const repository = await newRepository();
    const { full } = await backUp(apacheFolder(), repository);
    const times = goldenJson<{ records: { header: { time: number } }[] }>('datadir-alltypes/txnlog.json').records.map(
      ({ header }) => header.time,
    );
    assert.equal(full?.txnTimeMs, times.at(-1));
    const [oldest] = (await repository.catalogue(signal)).fulls;
    assert.ok(oldest !== undefined);
    assert.equal((await repository.fullManifest(oldest, signal)).txnTimeMs, times[0]);
  });

  it('adds only what is new', async () => {
    const folder = apacheFolder();
    const log = path.join(folder, 'version-2', 'log.100000001');
    const whole = readFileSync(log);
    const { records } = goldenJson<{ records: { offset: number; length: number }[] }>('datadir-alltypes/txnlog.json');
    const cut = records[29]!;
    rmSync(path.join(folder, 'version-2', 'snapshot.10000003f'));
    writeFileSync(log, whole.subarray(0, cut.offset));
    const repository = await newRepository();
    const first = await backUp(folder, repository);
    assert.deepEqual([first.zxid, first.txns], [FIRST + 28, 29]);
    const again = await backUp(folder, repository);
    assert.deepEqual([again.full, again.segments, again.zxid], [null, 0, FIRST + 28]);
    writeFileSync(log, whole);
    const later = await backUp(folder, repository);
    assert.deepEqual([later.zxid, later.txns, later.historyFromZxid], [LAST, 34, FIRST + 28]);
    const { sound, fulls, logs } = await verifyBackup(repository, { settings: SETTINGS, signal });
    assert.deepEqual([sound, fulls, logs], [true, 3, 2]);
  });

  it('is of one state even if the snapshot was written while the tree changed', async () => {
    const folder = apacheFolder();
    const repository = await newRepository();
    // Without the first snapshot the oldest state is that of the second, and nothing follows it.
    rmSync(path.join(folder, 'version-2', 'snapshot.0'));
    const done = await backUp(folder, repository);
    assert.deepEqual([done.zxid, done.txns, done.historyFromZxid], [LAST, 0, LAST]);
    const { database } = await restoreState(repository, await repository.catalogue(signal), {
      toZxid: null,
      settings: SETTINGS,
      signal,
    });
    const state = new RecoveredState(new Database(SETTINGS));
    state.loaded(0, null);
    assert.equal(database.tree.store.size, 34);
    assert.notDeepEqual(seen(database), seen(state.database));
  });

  it('drops the txn at the end that was being written, and says so', async () => {
    const folder = apacheFolder();
    const log = path.join(folder, 'version-2', 'log.100000001');
    rmSync(path.join(folder, 'version-2', 'snapshot.10000003f'));
    writeFileSync(log, readFileSync(log).subarray(0, -5));
    const done = await backUp(folder, await newRepository());
    assert.equal(done.zxid, LAST - 1);
    assert.match(done.warnings.join('\n'), /log\.100000001 ends in an unfinished record/);
  });

  it('is refused when the directory is damaged, empty, or of another history than the backup', async () => {
    const damaged = apacheFolder();
    const log = path.join(damaged, 'version-2', 'log.100000001');
    rmSync(path.join(damaged, 'version-2', 'snapshot.10000003f'));
    const bytes = goldenBytes('datadir-alltypes/data/version-2/log.100000001').slice();
    bytes[200]! ^= 1;
    writeFileSync(log, bytes);
    await assert.rejects(backUp(damaged, await newRepository()), RecoveryRefused);

    const empty = mkdtempSync(path.join(tmpdir(), 'headkeeper-data-dir-'));
    folders.push(empty);
    mkdirSync(path.join(empty, 'version-2'));
    await assert.rejects(backUp(empty, await newRepository()), /holds no data: there is nothing to back up/);

    // The other history has another txn under the same zxid.
    const repository = await newRepository();
    await backUp(apacheFolder(), repository);
    const other = await otherHistory();
    await assert.rejects(backUp(other, repository), /another transaction 0x10000003f than this server/);
  });
});

/** The same directory with another last txn. */
async function otherHistory(): Promise<string> {
  const { adler32 } = await import('../../src/core/log/checksum.ts');
  const folder = apacheFolder();
  rmSync(path.join(folder, 'version-2', 'snapshot.10000003f'));
  const log = path.join(folder, 'version-2', 'log.100000001');
  const bytes = new Uint8Array(readFileSync(log));
  const { records } = goldenJson<{ records: { offset: number; length: number }[] }>('datadir-alltypes/txnlog.json');
  const { offset, length } = records.at(-1)!;
  const body = offset + 12;
  // The low byte of its time.
  bytes[body + 27]! ^= 1;
  new DataView(bytes.buffer).setUint32(offset + 4, adler32(bytes, body, body + length));
  writeFileSync(log, bytes);
  return folder;
}
