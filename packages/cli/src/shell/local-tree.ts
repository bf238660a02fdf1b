import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { putData } from '@headkeeper/client';
import { DATA_NAME } from '../exchange/tar-names.ts';
import { childPath, type Znode, type ZnodeTree } from '../history/znode.ts';
import type { Context } from './commands/command.ts';
import { counted } from './format.ts';
import { readTree, requireOurs } from './live-subtree.ts';
import type { Arguments } from './parse-arguments.ts';
import { ShellError } from './shell-error.ts';

/*
 * A subtree as files: a znode without children is a file with its data; one with children is a folder, with its data, if it
 * has any, in the file `%data`. A name that begins with `%` gets one more.
 */

/** `get -R path folder`. */
export async function downloadTree(context: Context, args: Arguments): Promise<void> {
  const [path, folder] = args.words as [string, string?];
  if (folder === undefined) throw new ShellError('get -R path folder');
  if (existsSync(folder)) throw new ShellError(`${folder} exists already: nothing was written`);
  const tree = await readTree(context, path);
  let count = 0;
  const write = (at: string, file: string): void => {
    const { data } = tree.get(at) as Znode;
    const names = childrenIn(tree, at, path);
    count++;
    if (names.length === 0 && at !== path) {
      writeFileSync(file, data ?? '');
      return;
    }
    mkdirSync(file);
    if (data !== null && data.length > 0) writeFileSync(join(file, DATA_NAME), data);
    for (const name of names) write(childPath(at, name), join(file, localName(name)));
  };
  attempt(() => write(path, folder));
  context.print(`Wrote ${counted(count, 'znode')} to ${folder}`, { path, folder, count });
}

/** The server's own znodes stay where they are. */
function childrenIn(tree: ZnodeTree, path: string, top: string): readonly string[] {
  return tree.children(path).filter((name) => !(top === '/' && path === '/' && name === 'zookeeper'));
}

function localName(name: string): string {
  return name.startsWith('%') ? `%${name}` : name;
}

function znodeName(name: string): string {
  return name.startsWith('%%') ? name.slice(1) : name;
}

/** `put -R folder path`: makes and sets; nothing is deleted. */
export async function uploadTree(context: Context, folder: string, path: string): Promise<void> {
  requireOurs(path);
  const found: { readonly path: string; readonly data: Uint8Array | null }[] = [];
  const read = (file: string, at: string): void => {
    if (!statSync(file).isDirectory()) {
      found.push({ path: at, data: readFileSync(file) });
      return;
    }
    const own = join(file, DATA_NAME);
    found.push({ path: at, data: existsSync(own) ? readFileSync(own) : null });
    for (const name of readdirSync(file).sort()) {
      if (name !== DATA_NAME) read(join(file, name), childPath(at, znodeName(name)));
    }
  };
  attempt(() => read(folder, path));
  for (const znode of found) await putOne(context, znode.path, znode.data);
  context.print(`Put ${counted(found.length, 'znode')} at ${path}`, { folder, path, count: found.length });
}

/** A folder without data of its own is made if need be, and else left as it is. */
async function putOne({ client, calls }: Context, path: string, data: Uint8Array | null): Promise<void> {
  if (data === null && (await client.exists(path, calls)) !== null) return;
  if (path !== '/' || data !== null) await putData(client, path, data, calls);
}

/** `put file path`. */
export async function uploadFile(context: Context, file: string, path: string): Promise<void> {
  requireOurs(path);
  // 0: standard input, for one-shot use.
  const data = attempt(() => readFileSync(file === '-' ? 0 : file));
  await putData(context.client, path, data, context.calls);
  context.print(`Put ${counted(data.length, 'byte')} at ${path}`, { file, path, bytes: data.length });
}

/** A file's failure in words. */
function attempt<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new ShellError((error as Error).message);
  }
}
