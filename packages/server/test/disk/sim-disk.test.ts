import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runDiskSuite, SimDisk, SimInode, SimulatedCrash } from '@headkeeper/testkit';

runDiskSuite('the disk twin', () => {
  const disk = new SimDisk(7);
  disk.makeFolderSync('/data');
  return {
    disk,
    folder: '/data',
    async settle(isDone) {
      while (!isDone()) assert.ok(disk.step(), 'nothing is under way');
    },
    cleanUp() {},
  };
});

const CONTENT = new Uint8Array(2000).fill(9);

function diskWithFile(seed = 1): { disk: SimDisk; file: ReturnType<SimDisk['createSync']> } {
  const disk = new SimDisk(seed);
  disk.makeFolderSync('/data');
  const file = disk.createSync('/data/f');
  disk.syncDirSync('/data');
  disk.syncDirSync('/');
  return { disk, file };
}

function sizeOf(disk: SimDisk): number {
  return disk.openReadSync('/data/f').size;
}

/** Which of the four sectors hold what was written. */
function sectorsOf(disk: SimDisk): string {
  const bytes = new Uint8Array(2000);
  disk.openReadSync('/data/f').readSync(bytes, 0, 2000, 0);
  return [0, 512, 1024, 1536].map((at) => (bytes[at] === 9 ? '1' : '0')).join('');
}

describe('what a crash leaves on the disk twin', () => {
  it('loses what was not synced and keeps what was', () => {
    const { disk, file } = diskWithFile();
    file.writeSync(CONTENT, 0, 1000, 0);
    file.dataSyncSync();
    file.writeSync(CONTENT, 0, 2000, 0);
    const kept = disk.fork();
    disk.crash('lose');
    kept.crash('keep');
    assert.equal(sizeOf(disk), 1000);
    assert.equal(sizeOf(kept), 2000);
  });

  it('tears what was not synced in sectors, in many ways', () => {
    const { disk, file } = diskWithFile();
    file.writeSync(new Uint8Array(2000), 0, 2000, 0);
    file.dataSyncSync();
    file.writeSync(CONTENT, 0, 2000, 0);
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const copy = disk.fork();
      copy.crash('torn', seed);
      seen.add(sectorsOf(copy));
    }
    assert.equal(seen.size, 16);
  });

  it('syncs only writes that were done before the sync began', () => {
    let lost = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { disk, file } = diskWithFile(seed);
      file.write(CONTENT, 0, 2000, 0, () => {});
      file.dataSync(() => {});
      disk.run();
      disk.crash('lose');
      if (sizeOf(disk) === 0) lost++;
    }
    assert.equal(lost, 20);
  });

  it('loses names that were made, changed or removed without a sync of the folder', () => {
    const { disk } = diskWithFile();
    disk.createSync('/data/new').dataSyncSync();
    disk.renameSync('/data/f', '/data/g');
    disk.crash('lose');
    assert.deepEqual(disk.listSync('/data'), ['f']);
    disk.removeSync('/data/f');
    const seen = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      const copy = disk.fork();
      copy.crash('torn', seed);
      seen.add(copy.listSync('/data').length);
    }
    assert.deepEqual([...seen].sort(), [0, 1]);
  });

  it('drops the pages of a failed sync for good', () => {
    const { disk, file } = diskWithFile();
    file.writeSync(CONTENT, 0, 2000, 0);
    disk.failOn('sync', 1, 'EIO');
    assert.throws(() => file.dataSyncSync(), { code: 'EIO' });
    file.dataSyncSync();
    assert.equal(sizeOf(disk), 2000);
    disk.crash('keep');
    assert.equal(sizeOf(disk), 0);
  });

  it('makes nothing durable when told to ignore syncs', () => {
    const { disk, file } = diskWithFile();
    disk.ignoreSync = true;
    file.writeSync(CONTENT, 0, 2000, 0);
    file.dataSyncSync();
    disk.crash('lose');
    assert.equal(sizeOf(disk), 0);
  });

  it('kills the process that goes on after the crash', () => {
    const { disk, file } = diskWithFile();
    disk.crashAt(disk.operations + 1);
    assert.throws(() => file.writeSync(CONTENT, 0, 10, 0), SimulatedCrash);
    assert.throws(() => disk.listSync('/data'), SimulatedCrash);
    assert.ok(disk.crashed);
    disk.crash('lose');
    assert.throws(() => file.dataSyncSync(), SimulatedCrash);
    assert.deepEqual(disk.listSync('/data'), ['f']);
  });
});

describe('faults and misuse of the disk twin', () => {
  it('is full at its capacity, in the middle of a write', () => {
    const { disk, file } = diskWithFile();
    disk.capacity = 1500;
    assert.throws(() => file.writeSync(CONTENT, 0, 2000, 0), { code: 'ENOSPC' });
    assert.equal(sizeOf(disk), 1500);
  });

  it('executes calls submitted together in any order, and the same order for the same seed', () => {
    const order = (seed: number): string => {
      const { disk, file } = diskWithFile(seed);
      let seen = '';
      for (let i = 0; i < 4; i++) file.write(CONTENT, 0, 10, i * 10, () => (seen += i));
      disk.run();
      return seen;
    };
    const orders = new Set(Array.from({ length: 20 }, (_, seed) => order(seed)));
    assert.ok(orders.size > 5);
    assert.equal(order(3), order(3));
  });

  it('catches overlapping writes, changed bytes and closing too early', () => {
    const { disk, file } = diskWithFile();
    const bytes = new Uint8Array(10);
    file.write(bytes, 0, 10, 0, () => {});
    assert.throws(() => file.write(bytes, 0, 10, 9, () => {}), /overlapping/);
    assert.throws(() => file.closeSync(), /under way/);
    bytes[0] = 1;
    assert.throws(() => disk.run(), /bytes changed/);
  });
});

/** A file whose first 2000 bytes are durable, on a disk that nothing is wrong with yet. */
function diskWithDurableFile(): ReturnType<typeof diskWithFile> {
  const { disk, file } = diskWithFile();
  file.writeSync(CONTENT, 0, 2000, 0);
  file.dataSyncSync();
  disk.syncDirSync('/data');
  return { disk, file };
}

function contentOf(disk: SimDisk): Uint8Array {
  const source = disk.openReadSync('/data/f');
  const bytes = new Uint8Array(source.size);
  source.readSync(bytes, 0, bytes.length, 0);
  return bytes;
}

function promised(disk: SimDisk): Uint8Array {
  const inode = disk.durableFiles('/data').get('f');
  assert.ok(inode instanceof SimInode);
  return inode.durableBytes.subarray(0, inode.durableLength);
}

describe('a disk twin that does not hold what it has promised', () => {
  it('shows bytes that have decayed, until they are written anew, and says what was promised', () => {
    const { disk, file } = diskWithDurableFile();
    disk.rot('/data/f', 100, 110, 'zeros', 1);
    assert.deepEqual(
      contentOf(disk).subarray(99, 111),
      Uint8Array.from([CONTENT[99], ...new Array(10).fill(0), CONTENT[110]]),
    );
    assert.deepEqual(promised(disk), CONTENT.subarray(0, 2000));
    assert.ok(disk.isFaulty('/data'));
    disk.crash('lose');
    assert.equal(contentOf(disk)[105], 0);
    const again = disk.openWriteSync('/data/f');
    again.writeSync(CONTENT, 0, 512, 0);
    again.dataSyncSync();
    assert.ok(!disk.isFaulty('/data'));
    assert.deepEqual(contentOf(disk), CONTENT.subarray(0, 2000));
    assert.throws(() => file.dataSyncSync(), SimulatedCrash);
  });

  it('admits what reads show, and nothing that a cache still hides', () => {
    const { disk, file } = diskWithFile();
    file.writeSync(CONTENT, 0, 2000, 0);
    file.dataSyncSync();
    disk.rot('/data/f', 512, 1024, 'zeros', 1);
    disk.writeFault = () => 'lost';
    file.writeSync(new Uint8Array(512).fill(8), 0, 512, 1024);
    file.dataSyncSync();
    const inode = disk.durableFiles('/data').get('f') as SimInode;
    assert.deepEqual([inode.durableBytes[600], inode.durableBytes[1100]], [9, 8]);
    assert.equal(disk.admit(), true);
    assert.deepEqual(
      [inode.durableBytes[600], inode.durableBytes[1100]],
      [0, 8],
      'the cache has the write that is lost',
    );
    assert.equal(disk.admit(), false);
    assert.equal(disk.isHiding, true);
    disk.crash('keep');
    assert.equal(disk.isHiding, false);
    assert.equal(inode.durableBytes[1100], 8);
    assert.equal(disk.admit(), true);
    assert.deepEqual([inode.durableBytes[1100], disk.isFaulty('/data')], [9, false]);
    assert.equal(inode.usedLength, 2000);
  });

  it('decays behind a cache that has the bytes', () => {
    const { disk, file } = diskWithFile();
    file.writeSync(CONTENT, 0, 2000, 0);
    file.dataSyncSync();
    disk.rot('/data/f', 512, 1024, 'zeros', 1, true);
    assert.deepEqual([sectorsOf(disk), disk.isHiding], ['1111', true]);
    disk.crash('keep');
    assert.equal(sectorsOf(disk), '1011');
  });

  it('flips one bit, or leaves junk', () => {
    const { disk } = diskWithDurableFile();
    disk.rot('/data/f', 600, 700, 'flip', 2);
    assert.equal(contentOf(disk).filter((byte, i) => byte !== CONTENT[i]).length, 1);
    disk.rot('/data/f', 600, 700, 'junk', 2);
    assert.ok(contentOf(disk).filter((byte, i) => byte !== CONTENT[i]).length > 80);
  });

  it('cannot read a sector, and reads the others', () => {
    const { disk } = diskWithDurableFile();
    disk.makeUnreadable('/data/f', 512, 513);
    const source = disk.openReadSync('/data/f');
    const target = new Uint8Array(512);
    assert.equal(source.readSync(target, 0, 512, 0), 512);
    assert.throws(() => source.readSync(target, 0, 512, 900), { code: 'EIO' });
    assert.equal(source.readSync(target, 0, 512, 1024), 512);
    disk.crash('lose');
    assert.throws(() => contentOf(disk), { code: 'EIO' });
  });

  it('loses a write, which the cache shows until the machine restarts', () => {
    const { disk, file } = diskWithDurableFile();
    const zeros = new Uint8Array(512);
    disk.writeFault = () => 'lost';
    file.writeSync(zeros, 0, 512, 0);
    disk.writeFault = null;
    file.dataSyncSync();
    assert.deepEqual(contentOf(disk).subarray(0, 512), zeros);
    assert.deepEqual(promised(disk).subarray(0, 512), zeros);
    disk.crash('keep');
    assert.deepEqual(contentOf(disk), CONTENT.subarray(0, 2000));
  });

  it('writes to another place than it was told', () => {
    const { disk, file } = diskWithDurableFile();
    disk.writeFault = () => ({ path: '/data/f', position: 1024 });
    file.writeSync(new Uint8Array(512), 0, 512, 0);
    disk.writeFault = null;
    file.dataSyncSync();
    disk.crash('lose');
    const expected = CONTENT.slice(0, 2000);
    expected.fill(0, 1024, 1536);
    assert.deepEqual(contentOf(disk), expected);
  });

  it('undoes by a crash what a sync has promised, unless an honest one came since', () => {
    for (const honest of [false, true]) {
      const { disk, file } = diskWithDurableFile();
      disk.lyingSync = true;
      file.writeSync(new Uint8Array(600), 0, 600, 0);
      file.dataSyncSync();
      assert.ok(disk.isUnflushed);
      disk.lyingSync = false;
      if (honest) file.dataSyncSync();
      disk.crash('lose');
      assert.equal(contentOf(disk)[10], honest ? 0 : CONTENT[10]);
      assert.equal(promised(disk)[10], 0);
    }
  });

  it('shows the old contents behind a failed sync, if it is one that drops the pages', () => {
    const { disk, file } = diskWithDurableFile();
    disk.dropsFailedPages = true;
    file.writeSync(new Uint8Array(600), 0, 600, 0);
    disk.failOn('sync', 1, 'EIO');
    assert.throws(() => file.dataSyncSync(), { code: 'EIO' });
    assert.deepEqual(contentOf(disk), CONTENT.subarray(0, 2000));
  });

  it('is brought back as it was', () => {
    const { disk, file } = diskWithDurableFile();
    const image = disk.photograph();
    file.writeSync(new Uint8Array(600), 0, 600, 0);
    file.dataSyncSync();
    for (let i = 0; i < 2; i++) {
      disk.bringBack(image);
      assert.deepEqual(contentOf(disk), CONTENT.subarray(0, 2000));
      disk.removeSync('/data/f');
    }
  });

  it('tells of an operation, before it takes effect, the file by its present name and how much is written', () => {
    const { disk, file } = diskWithFile();
    const heard: string[] = [];
    disk.beforeOperation = (_count, operation, path, bytes) => heard.push(`${operation} ${path} ${bytes}`);
    file.writeSync(CONTENT, 0, 600, 0);
    disk.renameSync('/data/f', '/data/g');
    file.writeSync(CONTENT, 0, 3, 600);
    file.dataSyncSync();
    assert.deepEqual(heard, ['write /data/f 600', 'rename /data/f 0', 'write /data/g 3', 'sync /data/g 0']);
  });
});
