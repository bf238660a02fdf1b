import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimDisk } from '@headkeeper/testkit';
import { readWhole } from '../../src/adapters/disk/recovery-files.ts';
import { createSnapshotStore } from '../../src/adapters/disk/snapshot-files.ts';
import { InvariantViolation } from '../../src/core/invariants.ts';
import { limits } from '../../src/limits.ts';

const FOLDER = '/version-2';

function diskWithFolder(): SimDisk {
  const disk = new SimDisk(2);
  disk.makeFolderSync(FOLDER);
  disk.syncDirSync('/');
  return disk;
}

describe('snapshot files', () => {
  it('appear under their name, whole and durable, once finished', () => {
    const disk = diskWithFolder();
    const sink = createSnapshotStore({ disk, folder: FOLDER }).begin(0x1_0000_00ab, () => {});
    sink.write(Uint8Array.of(1, 2));
    disk.run();
    assert.ok(disk.listSync(FOLDER).every((name) => !/^(snapshot|log)\./.test(name)));
    sink.write(Uint8Array.of(3));
    let outcome: Error | null | undefined;
    sink.finish((error) => {
      outcome = error;
    });
    disk.run();
    assert.equal(outcome, null);
    disk.crash('lose');
    assert.deepEqual(disk.listSync(FOLDER), ['snapshot.1000000ab']);
    assert.deepEqual([...readWhole(disk, `${FOLDER}/snapshot.1000000ab`)], [1, 2, 3]);
  });

  it('make the writer wait when the disk does not keep up', () => {
    const disk = diskWithFolder();
    let drained = 0;
    const sink = createSnapshotStore({ disk, folder: FOLDER }).begin(5, () => drained++);
    const chunk = new Uint8Array(1 << 20);
    let taken = 1;
    while (sink.write(chunk)) taken++;
    assert.equal(taken, limits.snapshotQueue / chunk.length);
    assert.equal(drained, 0);
    disk.run();
    assert.equal(drained, 1);
    assert.equal(sink.write(chunk), true);
    sink.abort();
    disk.run();
  });

  it('give each piece back once it is written, and write on while a portion is synced', () => {
    const disk = diskWithFolder();
    const sink = createSnapshotStore({ disk, folder: FOLDER }).begin(5, () => {});
    const pieces: Uint8Array[] = [];
    const free: Uint8Array[] = [];
    for (let i = 0; i < 40; i++) {
      const piece = (free.pop() ?? new Uint8Array(1 << 20)).fill(i);
      if (!pieces.includes(piece)) pieces.push(piece);
      if (!sink.write(piece, (bytes) => free.push(bytes))) disk.run();
    }
    sink.finish((error) => assert.equal(error, null));
    disk.run();
    assert.equal(free.length, pieces.length, 'all came back');
    assert.ok(pieces.length < 40, 'some were used again');
    const bytes = readWhole(disk, `${FOLDER}/snapshot.5`);
    for (let i = 0; i < 40; i++) assert.equal(bytes[(i << 20) + 77], i);
    assert.equal(bytes.length, 40 << 20);
  });

  it('leave nothing behind when aborted', () => {
    const disk = diskWithFolder();
    const store = createSnapshotStore({ disk, folder: FOLDER });
    const sink = store.begin(5, () => {});
    sink.write(new Uint8Array(10));
    sink.write(new Uint8Array(10));
    sink.abort();
    disk.run();
    assert.deepEqual(disk.listSync(FOLDER), []);
    assert.throws(() => sink.write(new Uint8Array(1)), InvariantViolation);
    store.begin(6, () => {}).abort();
  });

  it('may begin while the one before is being finished, even for the same zxid', () => {
    const disk = diskWithFolder();
    const store = createSnapshotStore({ disk, folder: FOLDER });
    const outcomes: (Error | null)[] = [];
    for (const zxid of [5, 5, 6]) {
      const sink = store.begin(zxid, () => {});
      sink.write(new Uint8Array(100).fill(zxid));
      sink.finish((error) => outcomes.push(error));
    }
    disk.run();
    assert.deepEqual(outcomes, [null, null, null]);
    disk.crash('lose');
    assert.deepEqual(disk.listSync(FOLDER).sort(), ['snapshot.5', 'snapshot.6']);
    assert.ok(readWhole(disk, `${FOLDER}/snapshot.5`).every((byte) => byte === 5));
  });

  it('tell of a failing disk when finished, and leave no file that could be taken for a snapshot', () => {
    const operations = ['create', 'write', 'sync', 'rename', 'syncDir'] as const;
    // A large snapshot is synced on the way, a small one at its end alone.
    const cases = [limits.snapshotQueue, 100].flatMap((size) =>
      operations.map((operation) => [operation, size] as const),
    );
    for (const [operation, size] of cases) {
      const disk = diskWithFolder();
      disk.failOn(operation, 1, 'ENOSPC');
      const store = createSnapshotStore({ disk, folder: FOLDER });
      let drained = 0;
      const sink = store.begin(5, () => drained++);
      const chunk = new Uint8Array(size);
      const waits = !sink.write(chunk);
      disk.run();
      assert.equal(drained, waits ? 1 : 0, `${operation}: the writer goes on`);
      sink.write(chunk);
      let outcome: Error | null = null;
      sink.finish((error) => {
        outcome = error;
      });
      disk.run();
      assert.equal((outcome as { code?: string } | null)?.code, 'ENOSPC', operation);
      const left = disk.listSync(FOLDER);
      assert.deepEqual(left, operation === 'syncDir' ? ['snapshot.5'] : [], operation);
      store.begin(6, () => {}).abort();
    }
  });

  it('are cleared of what a crash left unfinished', () => {
    const disk = diskWithFolder();
    createSnapshotStore({ disk, folder: FOLDER }).begin(5, () => {});
    assert.equal(disk.listSync(FOLDER).length, 1);
    createSnapshotStore({ disk, folder: FOLDER });
    assert.deepEqual(disk.listSync(FOLDER), []);
  });
});
