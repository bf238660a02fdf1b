import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { extract } from 'tar-stream';
import { parse } from 'yaml';
import { CommandError, ExitCode } from '../exit-codes.ts';
import type { Znode } from '../history/znode.ts';
import { importedCount, importedData, importedZnode, requireWhole, wrong } from './exported.ts';
import { DATA_NAME, folderOf, HEAD_NAME, META_NAME, parseName } from './tar-names.ts';

/** Where every tar file says that it is one. */
const TAR_MARK_AT = 257;
const TAR_MARK = 'ustar';

/**
 * Reads an export: JSON, YAML or tar, whichever it is.
 *
 * @param top where the exported znode is to be.
 * @returns the znodes, parents before their children.
 * @throws CommandError that names the file, and what in it is wrong.
 */
export async function readExport(file: string, top: string): Promise<Znode[]> {
  try {
    return (await isTar(file)) ? await readTar(file, top) : readText(file, await readFile(file, 'utf8'), top);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { syscall, message } = error as NodeJS.ErrnoException;
    if (syscall !== undefined) throw new CommandError(`cannot read ${file}: ${message}`, ExitCode.usage);
    throw wrong(file, `it cannot be read: ${message}`);
  }
}

async function isTar(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const mark = Buffer.alloc(TAR_MARK.length);
    await handle.read(mark, 0, mark.length, TAR_MARK_AT);
    return mark.toString('latin1') === TAR_MARK;
  } finally {
    await handle.close();
  }
}

function readText(file: string, text: string, top: string): Znode[] {
  const whole: unknown = text.trimStart().startsWith('{') ? JSON.parse(text) : parse(text, { maxAliasCount: 0 });
  const count = importedCount(whole, file);
  const { znodes } = whole as { readonly znodes?: unknown };
  if (!Array.isArray(znodes)) throw wrong(file, 'it has no list of znodes');
  const read = znodes.map((znode: unknown, at) => {
    const where = `${file}: znode ${at + 1}${nameOf(znode)}`;
    return importedZnode(znode, importedData(znode, where), top, where);
  });
  requireWhole(read, top, count, file);
  return read;
}

function nameOf(znode: unknown): string {
  const path = typeof znode === 'object' && znode !== null && 'path' in znode ? znode.path : null;
  return typeof path === 'string' ? `, ${path}` : '';
}

async function readTar(file: string, top: string): Promise<Znode[]> {
  let head: unknown = null;
  const metas: { readonly folder: string; readonly meta: unknown }[] = [];
  const data = new Map<string, Uint8Array>();
  const archive = extract();
  // The iteration below throws what goes wrong on either side.
  pipeline(createReadStream(file), archive, () => {});
  for await (const entry of archive) {
    const { type } = entry.header;
    // As tar writes it when it packs a folder again.
    const name = entry.header.name.replace(/^\.\//, '');
    const parsed = parseName(name);
    if (type !== 'file' || (name !== HEAD_NAME && parsed === null)) {
      // Folders may be listed, too.
      if (type !== 'directory') throw wrong(file, `${name} is no part of an export`);
      entry.resume();
      continue;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    const content = Buffer.concat(chunks);
    if (parsed === null) head = JSON.parse(content.toString('utf8'));
    else if (parsed.file === META_NAME)
      metas.push({ folder: parsed.folder, meta: JSON.parse(content.toString('utf8')) });
    else data.set(parsed.folder, content);
  }
  if (head === null) throw wrong(file, `it is no export, or not whole: it holds no ${HEAD_NAME}`);
  const count = importedCount(head, file);
  const read = metas.map(({ folder, meta }) => {
    const where = `${file}: ${folder}${META_NAME}`;
    const znode = importedZnode(meta, data.get(folder) ?? null, top, where);
    const { path } = meta as { readonly path: string };
    if (folderOf(path) !== folder) throw wrong(where, `it says that it is ${path}`);
    data.delete(folder);
    return znode;
  });
  const [orphan] = data.keys();
  if (orphan !== undefined) throw wrong(file, `${orphan}${DATA_NAME} has no ${META_NAME} beside it`);
  // Whoever packs files again may do so in another order.
  read.sort((a, b) => depth(a) - depth(b));
  requireWhole(read, top, count, file);
  return read;
}

function depth({ path }: Znode): number {
  return path === '/' ? 0 : path.split('/').length;
}
