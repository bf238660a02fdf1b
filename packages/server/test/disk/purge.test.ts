import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimDisk } from '@headkeeper/testkit';
import { type HeldLogs, purge } from '../../src/adapters/disk/purge.ts';

const SEALED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x2f];

function folderWith(files: readonly string[], invalid: readonly string[] = []): SimDisk {
  const disk = new SimDisk(1);
  disk.makeFolderSync('/d');
  for (const name of files) {
    const bytes = invalid.includes(name) ? Uint8Array.of(1, 2, 3) : Uint8Array.from(contentOf(name));
    const file = disk.createSync(`/d/${name}`);
    file.writeSync(bytes, 0, bytes.length, 0);
  }
  return disk;
}

function contentOf(name: string): number[] {
  return name.endsWith('.gz') ? [0x1f, 0x8b, 0] : SEALED;
}

function left(disk: SimDisk, retain = 3, held: HeldLogs | null = null): string {
  let outcome: Error | null | undefined;
  purge({ disk, snapshotFolder: '/d', logFolder: '/d', retain, held }, (error) => {
    outcome = error;
  });
  disk.run();
  assert.equal(outcome, null);
  return disk.listSync('/d').join(' ');
}

describe('purge', () => {
  it('keeps the newest snapshots, and the logs from the one that the oldest of them needs', () => {
    const files = ['snapshot.1', 'snapshot.a', 'snapshot.14', 'snapshot.ff', 'snapshot.100'];
    const logs = ['log.1', 'log.5', 'log.12', 'log.16', 'log.101'];
    assert.equal(left(folderWith([...files, ...logs])), 'snapshot.14 snapshot.ff snapshot.100 log.12 log.16 log.101');
  });

  it('keeps a log that begins with the zxid of the oldest snapshot kept, and drops the one before', () => {
    const files = ['snapshot.5', 'snapshot.6', 'snapshot.7', 'log.1', 'log.5', 'log.8'];
    assert.equal(left(folderWith(files)), 'snapshot.5 snapshot.6 snapshot.7 log.5 log.8');
  });

  it('does not count snapshots that are not valid, nor remove those that are newer', () => {
    const files = [
      'snapshot.1',
      'snapshot.2',
      'snapshot.3',
      'snapshot.4',
      'snapshot.5',
      'snapshot.6',
      'log.1',
      'log.3',
    ];
    const disk = folderWith(files, ['snapshot.3', 'snapshot.5', 'snapshot.6']);
    assert.equal(left(disk), files.join(' '));
  });

  it('knows compressed snapshots', () => {
    const files = ['snapshot.1.gz', 'snapshot.2.gz', 'snapshot.3', 'snapshot.4.gz'];
    assert.equal(left(folderWith(files)), 'snapshot.2.gz snapshot.3 snapshot.4.gz');
  });

  it('removes nothing without a valid snapshot', () => {
    const files = ['snapshot.1', 'snapshot.2', 'log.1', 'log.2', 'log.3'];
    assert.equal(left(folderWith(files, ['snapshot.1', 'snapshot.2'])), files.join(' '));
  });

  it('keeps three at least, and more when told so', () => {
    const files = ['snapshot.1', 'snapshot.2', 'snapshot.3', 'snapshot.4', 'snapshot.5'];
    assert.equal(left(folderWith(files), 1), 'snapshot.3 snapshot.4 snapshot.5');
    assert.equal(left(folderWith(files), 4), 'snapshot.2 snapshot.3 snapshot.4 snapshot.5');
  });

  it('keeps the logs that somebody still has to read, but not too many bytes of them', () => {
    const snapshots = ['snapshot.20', 'snapshot.21', 'snapshot.22', 'snapshot.23'];
    const logs = ['log.1', 'log.5', 'log.9', 'log.c', 'log.20'];
    const kept = (held: HeldLogs): string =>
      left(folderWith([...snapshots, ...logs]), 3, held).replace(/snapshot\S+ /g, '');
    const all = 1000;
    assert.equal(kept({ fromZxid: 0, mostBytes: all }), 'log.1 log.5 log.9 log.c log.20');
    assert.equal(kept({ fromZxid: 3, mostBytes: all }), 'log.1 log.5 log.9 log.c log.20');
    assert.equal(kept({ fromZxid: 4, mostBytes: all }), 'log.5 log.9 log.c log.20');
    assert.equal(kept({ fromZxid: 8, mostBytes: all }), 'log.9 log.c log.20');
    assert.equal(kept({ fromZxid: 0x1e, mostBytes: all }), 'log.c log.20');
    assert.equal(kept({ fromZxid: 0x1f, mostBytes: all }), 'log.20');
    assert.equal(kept({ fromZxid: 0, mostBytes: 2 * SEALED.length }), 'log.9 log.c log.20');
    assert.equal(kept({ fromZxid: 0, mostBytes: SEALED.length - 1 }), 'log.20');
  });

  it('leaves other files alone', () => {
    const files = [
      'currentEpoch',
      'snapshot.x',
      'log',
      'logs.1',
      'snapshot.1',
      'snapshot.2',
      'snapshot.3',
      'snapshot.4',
    ];
    assert.equal(left(folderWith(files)), 'currentEpoch snapshot.x log logs.1 snapshot.2 snapshot.3 snapshot.4');
  });

  it('hands over the error of the disk and what it had removed', () => {
    const disk = folderWith(['snapshot.1', 'snapshot.2', 'snapshot.3', 'snapshot.4', 'snapshot.5']);
    disk.failOn('remove', 2, 'EIO');
    let outcome: [string | undefined, string[]] | null = null;
    purge({ disk, snapshotFolder: '/d', logFolder: '/d', retain: 3, held: null }, (error, removed) => {
      outcome = [(error as { code?: string } | null)?.code, removed];
    });
    disk.run();
    assert.deepEqual(outcome, ['EIO', ['/d/snapshot.1']]);
  });
});
