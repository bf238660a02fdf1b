import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exploreCrashes, SimDisk } from '@headkeeper/testkit';
import { type DataDir, DataDirError } from '../../src/adapters/disk/data-dir.ts';
import { readWhole } from '../../src/adapters/disk/recovery-files.ts';
import { openOn, put } from './files.ts';
import { EPOCH, putLog, putSnapshot, zxids } from './history-folder.ts';
import { LOGS, makeFolders, recoverModel, SNAPSHOTS } from './model-server.ts';

const WALL_MS = Date.UTC(2026, 10, 22, 2, 4, 30, 5);
const ASIDE = 'version-2.damaged-20261122T020430005Z';

function text(disk: SimDisk, path: string): string {
  return new TextDecoder().decode(readWhole(disk, path));
}

/** A directory in which a txn is missing: recovery refuses it. */
function damaged(epochs: { accepted: string; current: string } | null = { accepted: '7', current: '6' }): SimDisk {
  const disk = new SimDisk(1);
  makeFolders(disk);
  putSnapshot(disk, 6 * EPOCH);
  putLog(disk, zxids(6, 3, 5));
  if (epochs !== null) {
    put(disk, `${SNAPSHOTS}/acceptedEpoch`, epochs.accepted);
    put(disk, `${SNAPSHOTS}/currentEpoch`, epochs.current);
  }
  return disk;
}

describe('a damaged history', () => {
  it('is moved aside, and the server begins anew with its promise, without a vote', () => {
    const disk = damaged();
    put(disk, '/data/myid', '3\n');
    assert.throws(() => recoverModel(disk), /missing/);
    const dir = openOn(disk);
    assert.equal(dir.rebuilding, false);
    dir.setAside('txns are missing', WALL_MS);
    assert.equal(dir.rebuilding, true);
    assert.deepEqual(disk.listSync(`/data/${ASIDE}`).sort(), ['acceptedEpoch', 'currentEpoch', 'snapshot.600000000']);
    assert.deepEqual(disk.listSync(`/log/${ASIDE}`), ['log.600000003']);
    assert.match(text(disk, '/data/headkeeper.rebuilding'), /txns are missing/);
    const recovery = recoverModel(disk);
    assert.deepEqual([recovery.fresh, recovery.lastZxid], [true, 0]);
    assert.deepEqual(dir.epochs.read(), { accepted: 7, current: 0 });
    assert.deepEqual(dir.settleEpochs(0), { accepted: 7, current: 0 });
    assert.equal(dir.myid(), 3);
    assert.equal(dir.createdByUs, false, 'sessions keep the passwords they had');

    const again = openOn(disk);
    assert.deepEqual([again.rebuilding, again.createdByUs], [true, false]);
    assert.deepEqual(again.epochs.read(), { accepted: 7, current: 0 });
    again.epochs.write({ accepted: 9, current: 9 });
    again.clearRebuilding();
    assert.equal(again.rebuilding, false);
    const last = openOn(disk);
    assert.equal(last.rebuilding, false);
    assert.deepEqual(last.epochs.read(), { accepted: 9, current: 9 });
  });

  it('is moved aside in one directory, too, as often as it takes', () => {
    const disk = new SimDisk(1);
    disk.makeFolderSync('/data');
    disk.makeFolderSync('/data/version-2');
    put(disk, '/data/version-2/acceptedEpoch', '4');
    put(disk, '/data/version-2/log.1', 'x');
    const dir = openOn(disk, '/data');
    dir.setAside('first', WALL_MS);
    put(disk, '/data/version-2/log.2', 'y');
    dir.setAside('second', WALL_MS);
    assert.deepEqual(disk.listSync(`/data/${ASIDE}`).sort(), ['acceptedEpoch', 'log.1']);
    assert.deepEqual(disk.listSync('/data/version-2.damaged-20261122T020430006Z').sort(), [
      'acceptedEpoch',
      'currentEpoch',
      'headkeeper.epochs',
      'log.2',
    ]);
    assert.deepEqual(dir.epochs.read(), { accepted: 4, current: 0 });
  });

  it('says when the promise could not be read, and takes the most that the files show', () => {
    const disk = damaged({ accepted: 'x', current: '5' });
    const dir = openOn(disk);
    dir.setAside('why', WALL_MS);
    assert.match(text(disk, '/data/headkeeper.rebuilding'), /"isGuess":true/);
    assert.deepEqual(dir.epochs.read(), { accepted: 6, current: 0 });
  });

  it('takes an install that was under way with it', () => {
    const disk = damaged();
    const dir = openOn(disk);
    dir.history.beginInstall(9 * EPOCH);
    dir.setAside('why', WALL_MS);
    dir.history.beginInstall(9 * EPOCH + 1);
  });

  it('is what a state that was being received leaves when its mark cannot be read', () => {
    for (const isUnreadable of [false, true]) {
      const disk = new SimDisk(1);
      makeFolders(disk);
      putSnapshot(disk, 6 * EPOCH);
      putLog(disk, zxids(6, 1, 5));
      openOn(disk).history.beginInstall(7 * EPOCH + 3);
      if (isUnreadable) disk.makeUnreadable('/data/headkeeper.install', 0, 1);
      else disk.rot('/data/headkeeper.install', 0, 512, 'zeros', 1);
      const dir = openOn(disk);
      assert.throws(() => dir.requireLogged(6 * EPOCH + 5), {
        reason: 'install-unknown',
        message: /headkeeper\.install cannot be understood/,
      });
      dir.setAside('why', WALL_MS);
      dir.requireLogged(0);
      assert.equal(openOn(disk).rebuilding, true);
      openOn(disk).requireLogged(0);
      assert.ok(disk.existsSync(`/log/${ASIDE}/log.600000001`), 'nothing is deleted');
    }
  });

  it('does not stop a start by a mark that nobody can read', () => {
    const disk = damaged();
    put(disk, '/data/headkeeper.rebuilding', 'what?');
    const dir = openOn(disk);
    assert.equal(dir.rebuilding, true);
    assert.deepEqual(disk.listSync(LOGS), ['log.600000003']);
    disk.makeUnreadable('/data/headkeeper.rebuilding', 0, 1);
    assert.equal(openOn(disk).rebuilding, true);
    assert.match(openOn(disk).rebuildingReason ?? '', /cannot be read/);
    dir.clearRebuilding();
    assert.equal(dir.rebuilding, false);
  });

  it('is never lost by a crash, nor is the promise (D05, D20)', () => {
    const disk = damaged();
    let dir: DataDir = openOn(disk);
    let done = false;
    const crashes = exploreCrashes(
      disk,
      { tornSeeds: [1, 2, 3, 4, 5] },
      () => {
        dir.setAside('why', WALL_MS);
        done = true;
      },
      (point) => {
        const { label } = point;
        for (const kind of ['lose', 'keep'] as const) {
          const after = point.disk.fork();
          const found = openOn(after);
          if (done) assert.equal(found.rebuilding, true, label);
          if (found.rebuilding) {
            assert.deepEqual(found.epochs.read(), { accepted: 7, current: 0 }, label);
            assert.equal(recoverModel(after).fresh, true, label);
            after.crash(kind);
            dir = openOn(after);
            assert.equal(dir.rebuilding, true, label);
            assert.deepEqual(dir.epochs.read(), { accepted: 7, current: 0 }, label);
            assert.ok(after.existsSync(`/data/${ASIDE}/snapshot.600000000`), label);
            assert.ok(after.existsSync(`/log/${ASIDE}/log.600000003`), label);
          } else {
            assert.deepEqual(found.epochs.read(), { accepted: 7, current: 6 }, label);
            assert.ok(after.existsSync(`${LOGS}/log.600000003`), label);
          }
        }
      },
    );
    assert.ok(crashes > 100, `only ${crashes} crashes`);
  });
});

describe('a member’s small files', () => {
  it('make a server without a readable promise one that must not vote', () => {
    const disk = damaged({ accepted: '5', current: '6' });
    const dir = openOn(disk);
    assert.deepEqual(dir.settleEpochs(6 * EPOCH + 5), { accepted: 6, current: 6 });
    assert.equal(dir.rebuilding, true);
    assert.ok(disk.existsSync(`${LOGS}/log.600000003`), 'the history stays');
    assert.equal(openOn(disk).rebuilding, true);
    assert.deepEqual(openOn(disk).settleEpochs(6 * EPOCH + 5), { accepted: 6, current: 6 });
  });

  it('are the epochs of the history when there are none, and stay', () => {
    const disk = damaged(null);
    put(disk, `${SNAPSHOTS}/currentEpoch.tmp`, '1');
    const dir = openOn(disk);
    assert.equal(dir.epochs.read(), null);
    assert.deepEqual(dir.settleEpochs(6 * EPOCH + 5), { accepted: 6, current: 6 });
    disk.crash('lose');
    assert.deepEqual(openOn(disk).epochs.read(), { accepted: 6, current: 6 });
    assert.equal(disk.existsSync(`${SNAPSHOTS}/currentEpoch.tmp`), false);
  });

  it('tell the server’s id', () => {
    const disk = damaged();
    assert.equal(openOn(disk).myid(), null);
    for (const [content, id] of [
      ['1', 1],
      ['255\n', 255],
      ['7\r\nwords', 7],
      [' 12 ', 12],
      ['-3', -3],
    ] as const) {
      put(disk, '/data/myid', content);
      assert.equal(openOn(disk).myid(), id);
    }
    for (const content of ['', '\n1', 'one', '1.5', '0x1', '9223372036854775807', '1 2']) {
      put(disk, '/data/myid', content);
      const dir = openOn(disk);
      assert.throws(
        () => dir.myid(),
        (error) => error instanceof DataDirError && error.problem === 'damaged-myid',
        content,
      );
    }
  });
});
