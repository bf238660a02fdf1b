import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Disk } from '@headkeeper/server/internal';

/** A disk to try, and an empty folder on it. */
export interface DiskUnderTest {
  readonly disk: Disk;
  /** Absolute; exists, is empty and may be filled. */
  readonly folder: string;
  /** Lets asynchronous calls go on until `isDone` says so. */
  settle(isDone: () => boolean): Promise<void>;
  cleanUp(): void;
}

type Call = (done: (error: Error | null) => void) => void;

/** What every `Disk` must do, adapter or twin. */
export function runDiskSuite(name: string, makeDisk: () => DiskUnderTest): void {
  const check = (title: string, body: (made: DiskUnderTest) => void | Promise<void>): void => {
    it(title, async () => {
      const made = makeDisk();
      try {
        await body(made);
      } finally {
        made.cleanUp();
      }
    });
  };

  describe(`${name} as a Disk`, () => {
    check('writes and reads bytes at positions', ({ disk, folder }) => {
      const path = `${folder}/a`;
      const file = disk.createSync(path);
      file.writeSync(bytesOf('xhellox'), 1, 6, 0);
      file.writeSync(bytesOf('J'), 0, 1, 0);
      file.dataSyncSync();
      file.closeSync();
      assert.equal(contents(disk, path), 'Jello');
    });

    check('fills holes with zeros and tells the size', ({ disk, folder }) => {
      const file = disk.createSync(`${folder}/a`);
      file.writeSync(bytesOf('end'), 0, 3, 5000);
      file.closeSync();
      const source = disk.openReadSync(`${folder}/a`);
      assert.equal(source.size, 5003);
      const head = new Uint8Array(10).fill(7);
      assert.equal(source.readSync(head, 2, 4, 4998), 2);
      assert.deepEqual([...head], [7, 7, 0, 0, 7, 7, 7, 7, 7, 7]);
      assert.equal(source.readSync(head, 0, 10, 5001), 2);
      assert.equal(source.readSync(head, 0, 10, 5003), 0);
      source.closeSync();
    });

    check('writes and syncs asynchronously', async (made) => {
      const file = made.disk.createSync(`${made.folder}/a`);
      await ok(made, (done) => file.write(bytesOf('0123456789'), 2, 8, 0, done));
      await ok(made, (done) => file.dataSync(done));
      file.closeSync();
      assert.equal(contents(made.disk, `${made.folder}/a`), '234567');
    });

    check('does not complete an asynchronous call before it returns', async (made) => {
      const file = made.disk.createSync(`${made.folder}/a`);
      let completed = false;
      file.write(bytesOf('a'), 0, 1, 0, () => {
        completed = true;
      });
      assert.equal(completed, false);
      await made.settle(() => completed);
      file.closeSync();
    });

    check('empties an existing file when it is created again, and opens it unchanged otherwise', ({ disk, folder }) => {
      const path = `${folder}/a`;
      write(disk, path, 'long content');
      const file = disk.openWriteSync(path);
      file.writeSync(bytesOf('L'), 0, 1, 0);
      file.closeSync();
      assert.equal(contents(disk, path), 'Long content');
      disk.createSync(path).closeSync();
      assert.equal(contents(disk, path), '');
    });

    check('truncates', ({ disk, folder }) => {
      const path = `${folder}/a`;
      write(disk, path, '0123456789');
      const file = disk.openWriteSync(path);
      file.truncateSync(4);
      file.writeSync(bytesOf('x'), 0, 1, 6);
      file.dataSyncSync();
      file.closeSync();
      assert.equal(contents(disk, path), '0123\0\0x');
    });

    check('lists, renames over and removes', async (made) => {
      const { disk, folder } = made;
      write(disk, `${folder}/a`, 'new');
      write(disk, `${folder}/b`, 'old');
      write(disk, `${folder}/c`, 'c');
      disk.renameSync(`${folder}/a`, `${folder}/b`);
      disk.removeSync(`${folder}/c`);
      assert.deepEqual(disk.listSync(folder), ['b']);
      assert.equal(contents(disk, `${folder}/b`), 'new');
      assert.equal(disk.existsSync(`${folder}/a`), false);
      await ok(made, (done) => disk.remove(`${folder}/b`, done));
      assert.equal(disk.existsSync(`${folder}/b`), false);
      disk.syncDirSync(folder);
      await ok(made, (done) => disk.syncDir(folder, done));
    });

    check('keeps an open file usable after its name changed', ({ disk, folder }) => {
      const file = disk.createSync(`${folder}/a`);
      disk.renameSync(`${folder}/a`, `${folder}/b`);
      file.writeSync(bytesOf('here'), 0, 4, 0);
      file.closeSync();
      assert.equal(contents(disk, `${folder}/b`), 'here');
    });

    check('makes one folder at a time', ({ disk, folder }) => {
      assert.throws(() => disk.makeFolderSync(`${folder}/x/y`), { code: 'ENOENT' });
      disk.makeFolderSync(`${folder}/x`);
      disk.makeFolderSync(`${folder}/x/y`);
      assert.throws(() => disk.makeFolderSync(`${folder}/x`), { code: 'EEXIST' });
      assert.deepEqual(disk.listSync(`${folder}/x`), ['y']);
    });

    check('says what is missing', async (made) => {
      const { disk, folder } = made;
      assert.throws(() => disk.listSync(`${folder}/none`), { code: 'ENOENT' });
      assert.throws(() => disk.openReadSync(`${folder}/none`), { code: 'ENOENT' });
      assert.throws(() => disk.openWriteSync(`${folder}/none`), { code: 'ENOENT' });
      assert.throws(() => disk.renameSync(`${folder}/none`, `${folder}/b`), { code: 'ENOENT' });
      assert.throws(() => disk.removeSync(`${folder}/none`), { code: 'ENOENT' });
      assert.equal(codeOf(await outcome(made, (done) => disk.remove(`${folder}/none`, done))), 'ENOENT');
      assert.equal(codeOf(await outcome(made, (done) => disk.syncDir(`${folder}/none`, done))), 'ENOENT');
    });
  });
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function write(disk: Disk, path: string, text: string): void {
  const file = disk.createSync(path);
  file.writeSync(bytesOf(text), 0, text.length, 0);
  file.closeSync();
}

function contents(disk: Disk, path: string): string {
  const source = disk.openReadSync(path);
  const bytes = new Uint8Array(source.size);
  const count = source.readSync(bytes, 0, bytes.length, 0);
  source.closeSync();
  assert.equal(count, bytes.length);
  return String.fromCharCode(...bytes);
}

async function outcome(made: DiskUnderTest, call: Call): Promise<Error | null> {
  let result: Error | null | undefined;
  call((error) => {
    result = error;
  });
  await made.settle(() => result !== undefined);
  assert.notEqual(result, undefined);
  return result ?? null;
}

async function ok(made: DiskUnderTest, call: Call): Promise<void> {
  assert.equal(await outcome(made, call), null);
}

function codeOf(error: Error | null): unknown {
  return error !== null && 'code' in error ? error.code : null;
}
