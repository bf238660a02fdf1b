import { createReadStream, existsSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { SnappyStreamDecoder } from '../../core/log/snappy.ts';
import { snapshotName } from './file-names.ts';

const READ_BYTES = 1 << 18;
const SUFFIXES = ['', '.gz', '.snappy'] as const;

/** The path of the snapshot of `zxid`, compressed or not. Throws when there is none. */
export function snapshotPath(folder: string, zxid: number): string {
  const plain = `${folder}/${snapshotName(zxid)}`;
  const suffix = SUFFIXES.find((known) => existsSync(plain + known));
  if (suffix === undefined) throw new Error(`${plain} is not there, compressed or not`);
  return plain + suffix;
}

/** The uncompressed bytes of a complete snapshot file of this server; throws when the file cannot be read. */
export function readSnapshotFile(path: string): AsyncIterable<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  if (path.endsWith('.gz')) {
    const plain = createGunzip();
    file.on('error', (error) => plain.destroy(error));
    plain.on('close', () => file.destroy());
    return file.pipe(plain);
  }
  return path.endsWith('.snappy') ? unsnapped(file) : file;
}

async function* unsnapped(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const blocks: Uint8Array[] = [];
  const decoder = new SnappyStreamDecoder((bytes) => blocks.push(bytes.slice()));
  for await (const chunk of packed) {
    decoder.push(chunk);
    yield* blocks.splice(0);
  }
  decoder.finish();
}
