import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { MapTree } from '../../history/map-tree.ts';
import { isSystemPath, walk } from '../../history/znode.ts';
import { planImport } from '../../plan/write-plan.ts';
import { counted } from '../format.ts';
import { readTree, requireOurs } from '../live-subtree.ts';
import { requireParent, writePlanned } from '../planned-writes.ts';
import { requireZnodePath, ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

const FORMATS = ['json', 'yaml', 'tar'] as const;
const POLICIES = ['fail', 'skip', 'replace'] as const;

export const exportCommand: Command = {
  name: 'export',
  usage: '[--format json|yaml|tar] path file',
  about: 'writes a subtree to a file, with access control lists and stats, as headkeeper export does',
  options: { format: 'value' },
  least: 2,
  isOurs: true,
  completes: ['path', 'file'],
  async run(context, args) {
    const [path, file] = args.words as [string, string];
    const format = oneOf(FORMATS, args.value('format') ?? 'json', 'format');
    const tree = await readTree(context, requireZnodePath(path));
    // Loaded here: the formats' libraries take longer than most commands.
    const { EXPORT_FORMAT, EXPORT_VERSION } = await import('../../exchange/exported.ts');
    const count = [...walk(tree, path)].length;
    const head = { format: EXPORT_FORMAT, version: EXPORT_VERSION, path, source: context.servers, count } as const;
    const [text, tar] = [await import('../../exchange/text-export.ts'), await import('../../exchange/tar-export.ts')];
    const encode = { json: text.jsonExport, yaml: text.yamlExport, tar: tar.tarExport }[format];
    try {
      await pipeline(encode(head, walk(tree, path), path), createWriteStream(file, { flags: 'wx' }));
    } catch (error) {
      throw new ShellError(`Cannot write ${file}: ${(error as Error).message}`);
    }
    context.print(`Exported ${counted(count, 'znode')} to ${file}`, { path, file, count });
  },
};

export const importCommand: Command = {
  name: 'import',
  usage: '[--if-exists fail|skip|replace] file path',
  about: 'makes the znodes of an export, at and below a path',
  options: { 'if-exists': 'value' },
  least: 2,
  isOurs: true,
  completes: ['file', 'path'],
  async run(context, args) {
    const [file, path] = args.words as [string, string];
    const { client, calls, print } = context;
    requireOurs(path);
    const policy = oneOf(POLICIES, args.value('if-exists') ?? 'fail', 'if-exists');
    const { readExport } = await import('../../exchange/import-file.ts');
    const { readLivePaths } = await import('../../history/live-tree.ts');
    const wanted = new MapTree();
    for (const znode of await readExport(file, path)) if (!isSystemPath(znode.path)) wanted.add(znode);
    const plan = planImport(await readLivePaths(client, wanted.paths(), calls), wanted, path, policy);
    const [existing] = plan.existing;
    if (policy === 'fail' && existing !== undefined) throw new ShellError(`Node already exists: ${existing}`);
    await requireParent(client, path, calls);
    const done = await writePlanned(context, plan);
    print(`Imported ${file} at ${path}: ${counted(done.changes, 'change')}`, { file, path, ...done, left: plan.left });
  },
};

function oneOf<T extends string>(choices: readonly T[], text: string, option: string): T {
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw new ShellError(`--${option} is one of ${choices.join(', ')}, not "${text}"`);
  return choice;
}
