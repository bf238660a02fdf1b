import type { Disk, DiskFile } from '../../ports.ts';

/**
 * The disk, with files whose contents nobody waits for (`forceSync=no`): a sync says that it is done, and the operating
 * system writes when it likes. Names are as durable as ever.
 *
 * @param defer calls back after this turn of the loop, as a sync would.
 */
export function withoutSyncs(disk: Disk, defer: (fn: () => void) => void): Disk {
  const unsynced = (file: DiskFile): DiskFile => ({
    writeSync: (bytes, start, end, position) => file.writeSync(bytes, start, end, position),
    write: (bytes, start, end, position, done) => file.write(bytes, start, end, position, done),
    dataSyncSync: () => {},
    dataSync: (done) => defer(() => done(null)),
    truncateSync: (length) => file.truncateSync(length),
    closeSync: () => file.closeSync(),
  });
  return {
    existsSync: (path) => disk.existsSync(path),
    listSync: (folder) => disk.listSync(folder),
    makeFolderSync: (path) => disk.makeFolderSync(path),
    openReadSync: (path) => disk.openReadSync(path),
    createSync: (path, secret) => unsynced(disk.createSync(path, secret)),
    openWriteSync: (path) => unsynced(disk.openWriteSync(path)),
    renameSync: (from, to) => disk.renameSync(from, to),
    removeSync: (path) => disk.removeSync(path),
    remove: (path, done) => disk.remove(path, done),
    syncDirSync: (folder) => disk.syncDirSync(folder),
    syncDir: (folder, done) => disk.syncDir(folder, done),
  };
}
