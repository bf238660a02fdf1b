import { type Pack, pack } from 'tar-stream';
import type { Znode } from '../history/znode.ts';
import { type ExportHead, exportedMeta } from './exported.ts';
import { DATA_NAME, folderOf, HEAD_NAME, META_NAME } from './tar-names.ts';

/** An export as a tar file, whose data can be looked at with ordinary tools. */
export async function* tarExport(head: ExportHead, znodes: Iterable<Znode>, top: string): AsyncGenerator<Uint8Array> {
  const archive = pack();
  let failure: Error | null = null;
  const filling = fill(archive, head, znodes, top).catch((error: Error) => {
    failure = error;
    archive.destroy(error);
  });
  for await (const chunk of archive) yield chunk as Uint8Array;
  await filling;
  if (failure !== null) throw failure;
}

async function fill(archive: Pack, head: ExportHead, znodes: Iterable<Znode>, top: string): Promise<void> {
  await add(archive, HEAD_NAME, new Date(), json(head));
  for (const znode of znodes) {
    const meta = exportedMeta(znode, top);
    const folder = folderOf(meta.path);
    const changed = new Date(Math.max(0, znode.stat.mtime));
    await add(archive, folder + META_NAME, changed, json(meta));
    if (znode.data !== null) await add(archive, folder + DATA_NAME, changed, Buffer.from(znode.data));
  }
  archive.finalize();
}

function json(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/** Returns when the archive has taken it, which waits for whoever reads the archive. */
function add(archive: Pack, name: string, mtime: Date, content: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry = archive.entry({ name, mtime, mode: 0o644, size: content.length }, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
    entry.end(content);
  });
}
