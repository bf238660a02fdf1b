import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { exploreCrashes, SimDisk } from '@headkeeper/testkit';
import { type DataDir, DataDirError, openDataDir } from '../../src/adapters/disk/data-dir.ts';
import { FolderInUse, lockFolder } from '../../src/adapters/disk/folder-lock.ts';
import { createNodeDisk } from '../../src/adapters/disk/node-disk.ts';

function inFolder(body: (folder: string) => void): () => void {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'headkeeper-data-'));
    try {
      body(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

function open(dataDir: string, dataLogDir: string = dataDir, autocreate = true): DataDir {
  return openDataDir({ disk: createNodeDisk(), dataDir, dataLogDir, autocreate, lock: lockFolder });
}

function hasProblem(problem: string): (error: unknown) => boolean {
  return (error) => error instanceof DataDirError && error.problem === problem;
}

describe('data directory', () => {
  it(
    'is made with its parents',
    inFolder((folder) => {
      const dir = open(`${folder}/a/b`, `${folder}/c`);
      assert.ok(statSync(`${folder}/a/b/version-2`).isDirectory());
      assert.equal(dir.snapshotFolder, `${folder}/a/b/version-2`);
      assert.equal(dir.logFolder, `${folder}/c/version-2`);
      dir.release();
    }),
  );

  it(
    'is not made when that is switched off',
    inFolder((folder) => {
      assert.throws(() => open(`${folder}/a`, `${folder}/a`, false), hasProblem('missing'));
    }),
  );

  it(
    'knows which ones are ours',
    inFolder((folder) => {
      for (const expected of [true, true]) {
        const dir = open(`${folder}/ours`);
        assert.equal(dir.createdByUs, expected);
        writeFileSync(`${dir.snapshotFolder}/snapshot.0`, '');
        dir.release();
      }
      for (const name of ['snapshot.0', 'log.1', 'currentEpoch']) {
        mkdirSync(`${folder}/${name}/version-2`, { recursive: true });
        writeFileSync(`${folder}/${name}/version-2/${name}`, '');
        for (const expected of [false, false]) {
          const dir = open(`${folder}/${name}`);
          assert.equal(dir.createdByUs, expected, name);
          dir.release();
        }
      }
    }),
  );

  it(
    'refuses files in the wrong one of two directories',
    inFolder((folder) => {
      mkdirSync(`${folder}/a/version-2`, { recursive: true });
      writeFileSync(`${folder}/a/version-2/log.1`, '');
      assert.throws(() => open(`${folder}/a`, `${folder}/b`), hasProblem('misplaced-files'));
      open(`${folder}/b`, `${folder}/a`).release();
      writeFileSync(`${folder}/a/version-2/snapshot.1`, '');
      assert.throws(() => open(`${folder}/b`, `${folder}/a`), hasProblem('misplaced-files'));
      open(`${folder}/a`).release();
    }),
  );

  it(
    'tells of the marker initialize and removes it when told',
    inFolder((folder) => {
      writeFileSync(`${folder}/initialize`, '');
      const dir = open(folder);
      assert.equal(dir.initialize, true);
      dir.clearInitialize();
      dir.clearInitialize();
      dir.release();
      const again = open(folder);
      assert.equal(again.initialize, false);
      again.release();
    }),
  );

  it(
    'keeps one secret key, for the owner only',
    inFolder((folder) => {
      const dir = open(folder);
      const key = dir.sessionKey();
      assert.equal(key.length, 32);
      assert.ok(key.some((byte) => byte !== 0));
      assert.deepEqual(dir.sessionKey(), key);
      assert.equal(statSync(`${folder}/headkeeper.session-key`).mode & 0o777, 0o600);
      for (const lost of ['short', '', new Uint8Array(32)]) {
        writeFileSync(`${folder}/headkeeper.session-key`, lost);
        assert.throws(() => dir.sessionKey(), hasProblem('damaged-key'));
      }
      dir.release();
    }),
  );

  it('opens after a crash at any point, with the key that was handed out', () => {
    const disk = new SimDisk(1);
    const options = {
      disk,
      dataDir: '/x/data',
      dataLogDir: '/x/log',
      autocreate: true,
      lock: () => ({ release() {} }),
    };
    let key: Uint8Array | null = null;
    const crashes = exploreCrashes(
      disk,
      { tornSeeds: [1, 2, 3] },
      () => {
        key = openDataDir(options).sessionKey();
      },
      (point) => {
        const dir = openDataDir({ ...options, disk: point.disk });
        assert.equal(dir.createdByUs, true, point.label);
        const found = dir.sessionKey();
        if (key !== null) assert.deepEqual(found, key, point.label);
      },
    );
    assert.ok(crashes > 50);
  });
});

describe('lock of a folder', () => {
  it(
    'keeps out a second server, and says who holds it',
    inFolder((folder) => {
      const dir = open(folder);
      assert.throws(
        () => open(folder),
        (error) => error instanceof FolderInUse && error.pid === process.pid,
      );
      dir.release();
      open(folder).release();
    }),
  );

  it(
    'frees the first of two directories when the second is held',
    inFolder((folder) => {
      const other = open(`${folder}/log`);
      assert.throws(() => open(`${folder}/data`, `${folder}/log`), FolderInUse);
      open(`${folder}/data`).release();
      other.release();
    }),
  );

  it(
    'is taken over from a process that is gone',
    inFolder((folder) => {
      const lock = lockFolder(folder);
      const text = readFileSync(`${folder}/headkeeper.lock`, 'utf8');
      const holder = JSON.parse(text);
      const gone = [
        { ...holder, pid: 0x3fffffff },
        { ...holder, boot: 'an earlier one' },
        ...(holder.started === '' ? [] : [{ ...holder, started: '1' }]),
      ];
      for (const stale of [...gone.map((entry) => JSON.stringify(entry)), '', 'not a lock', '{"pid":-1}']) {
        writeFileSync(`${folder}/headkeeper.lock`, stale);
        lockFolder(folder);
        assert.equal(readFileSync(`${folder}/headkeeper.lock`, 'utf8'), text, stale);
      }
      writeFileSync(`${folder}/headkeeper.lock`, JSON.stringify({ pid: process.ppid }));
      assert.throws(() => lockFolder(folder), FolderInUse);
      lock.release();
      assert.throws(() => lockFolder(folder), FolderInUse, 'only the holder releases');
    }),
  );
});
