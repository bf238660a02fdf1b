import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runDiskSuite } from '@headkeeper/testkit';
import { MemoryDisk } from '../../src/disk/memory-disk.ts';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

runDiskSuite('the disk in memory', () => {
  const disk = new MemoryDisk();
  disk.makeFolderSync('/folder');
  return {
    disk,
    folder: '/folder',
    settle: async (isDone) => {
      while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
    },
    cleanUp: () => {},
  };
});

function textOf(disk: MemoryDisk, path: string): string {
  const source = disk.openReadSync(path);
  const bytes = new Uint8Array(source.size);
  source.readSync(bytes, 0, bytes.length, 0);
  return Buffer.from(bytes).toString();
}

/** A disk with a folder and a file, both durable. */
function prepared(): { disk: MemoryDisk; file: ReturnType<MemoryDisk['createSync']> } {
  const disk = new MemoryDisk();
  disk.makeFolderSync('/folder');
  disk.syncDirSync('/');
  const file = disk.createSync('/folder/file');
  file.writeSync(bytesOf('0123456789'), 0, 10, 0);
  file.dataSyncSync();
  disk.syncDirSync('/folder');
  return { disk, file };
}

describe('the disk in memory loses', () => {
  it('what was written behind the last sync, in the middle and at the end', () => {
    const { disk, file } = prepared();
    file.writeSync(bytesOf('ab'), 0, 2, 3);
    file.dataSyncSync();
    file.writeSync(bytesOf('XYZ'), 0, 3, 0);
    file.writeSync(bytesOf('end'), 0, 3, 12);
    assert.equal(textOf(disk, '/folder/file'), 'XYZab56789\0\0end');
    disk.lose();
    assert.equal(textOf(disk, '/folder/file'), '012ab56789');
  });

  it('a truncation that was not synced, and what a truncation took', () => {
    const { disk, file } = prepared();
    file.truncateSync(4);
    disk.lose();
    assert.equal(textOf(disk, '/folder/file'), '0123456789');
    file.truncateSync(4);
    file.dataSyncSync();
    file.truncateSync(8);
    file.dataSyncSync();
    disk.lose();
    assert.equal(textOf(disk, '/folder/file'), '0123\0\0\0\0');
  });

  it('names made, removed and changed behind the last sync of their folder', () => {
    const { disk } = prepared();
    disk.createSync('/folder/new').closeSync();
    disk.renameSync('/folder/file', '/folder/moved');
    disk.lose();
    assert.deepEqual(disk.listSync('/folder'), ['file']);
    disk.removeSync('/folder/file');
    disk.syncDirSync('/folder');
    disk.lose();
    assert.deepEqual(disk.listSync('/folder'), []);
  });
});
