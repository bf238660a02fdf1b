import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { isZooKeeperError } from '@headkeeper/client';
import { ShellError } from '../shell-error.ts';
import type { Command, Context } from './command.ts';

export const edit: Command = {
  name: 'edit',
  usage: 'path',
  about: 'opens the data of a znode in $VISUAL or $EDITOR, and sets it unless somebody else did meanwhile',
  options: {},
  least: 1,
  isOurs: true,
  completes: ['path'],
  async run(context, args) {
    const [path] = args.words as [string];
    const { client, calls, print } = context;
    const { data, stat } = await client.getData(path, calls);
    // Nobody else may read what is in it.
    const folder = mkdtempSync(join(tmpdir(), 'headkeeper-edit-'));
    const file = join(folder, path.slice(path.lastIndexOf('/') + 1) || 'root');
    let keep = false;
    try {
      writeFileSync(file, data ?? '', { mode: 0o600 });
      await context.shell.lendTerminal(() => openEditor(file));
      const edited = readFileSync(file);
      if (edited.equals(data ?? new Uint8Array(0))) {
        print('Nothing was changed', { path, changed: false });
        return;
      }
      keep = true;
      await write(context, path, edited, stat.version, file);
      keep = false;
    } finally {
      if (!keep) rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function write(
  { client, calls, print }: Context,
  path: string,
  edited: Uint8Array,
  version: number,
  file: string,
): Promise<void> {
  try {
    const stat = await client.setData(path, edited, { ...calls, version });
    print(`${path} is set, version ${stat.version}`, { path, changed: true, version: stat.version });
  } catch (error) {
    if (isZooKeeperError(error, 'badVersion')) {
      throw new ShellError(`version No is not valid : ${path}\nIt was changed meanwhile; your text is kept in ${file}`);
    }
    throw error;
  }
}

/** The session is kept meanwhile, however long it takes. */
async function openEditor(file: string): Promise<void> {
  const editor = process.env.VISUAL || process.env.EDITOR || 'vi';
  // An editor may come with options, such as "code --wait": cutting them apart is a shell's work.
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, editor, file], { stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new ShellError(`${editor} has failed: nothing was changed`);
}
