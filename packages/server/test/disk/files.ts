/** Files and data directories on the disk twin. */
import type { SimDisk } from '@headkeeper/testkit';
import { type DataDir, openDataDir } from '../../src/adapters/disk/data-dir.ts';

const utf8 = new TextEncoder();

/** Makes or replaces a file, durably. */
export function put(disk: SimDisk, path: string, content: Uint8Array | string): void {
  const bytes = typeof content === 'string' ? utf8.encode(content) : content;
  const file = disk.createSync(path);
  file.writeSync(bytes, 0, bytes.length, 0);
  file.dataSyncSync();
  file.closeSync();
  disk.syncDirSync(path.slice(0, path.lastIndexOf('/')));
}

/** Opens `/data` with its log beside it, as a server does that finds nobody else there. */
export function openOn(disk: SimDisk, dataLogDir = '/log'): DataDir {
  return openDataDir({ disk, dataDir: '/data', dataLogDir, autocreate: false, lock: () => ({ release() {} }) });
}
