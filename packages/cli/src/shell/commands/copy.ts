import { type Client, isZooKeeperError, type Transaction } from '@headkeeper/client';
import type { MapTree } from '../../history/map-tree.ts';
import { isBelow, type Znode } from '../../history/znode.ts';
import { planImport } from '../../plan/write-plan.ts';
import { counted } from '../format.ts';
import { moved, readTree, requireOurs } from '../live-subtree.ts';
import { requireParent, writePlanned } from '../planned-writes.ts';
import { ShellError } from '../shell-error.ts';
import type { Command, Context } from './command.ts';

/** A move is one transaction, which a request has to hold: half of what servers take by default. */
const MOST_MOVED_BYTES = 512 * 1024;
const BYTES_BESIDE = 64;

export const cp: Command = {
  name: 'cp',
  usage: '[-f] path path',
  about: 'copies a znode and all below it, data and access control lists: -f over znodes that exist',
  options: { f: 'flag' },
  least: 2,
  isOurs: true,
  completes: ['path'],
  async run(context, args) {
    const [from, to] = args.words as [string, string];
    const source = await readSource(context, from, to);
    const { client, calls, print } = context;
    const wanted = moved(source, from, to);
    const { readLivePaths } = await import('../../history/live-tree.ts');
    const live = await readLivePaths(client, wanted.paths(), calls);
    const plan = planImport(live, wanted, to, args.has('f') ? 'replace' : 'fail');
    const [existing] = plan.existing;
    if (existing !== undefined && !args.has('f')) throw new ShellError(`Node already exists: ${existing}`);
    await requireParent(client, to, calls);
    const done = await writePlanned(context, plan);
    print(`Copied ${from} to ${to}: ${counted(done.changes, 'znode')}`, { copied: from, to, ...done, left: plan.left });
  },
};

export const mv: Command = {
  name: 'mv',
  usage: 'path path',
  about: 'moves a znode and all below it, in one transaction: all of it or nothing',
  options: {},
  least: 2,
  isOurs: true,
  completes: ['path'],
  async run(context, args) {
    const [from, to] = args.words as [string, string];
    const source = await readSource(context, from, to);
    if (from === '/') throw new ShellError('The root cannot be moved');
    const { client, calls, print } = context;
    const znodes = [...source.paths()].map((path) => source.get(path) as Znode).sort(byPath);
    const ephemeral = znodes.find(({ kind }) => kind === 'ephemeral');
    if (ephemeral !== undefined) throw new ShellError(`${ephemeral.path} is an ephemeral, which cannot be moved`);
    const size = znodes.reduce((sum, { path, data }) => sum + BYTES_BESIDE + 3 * path.length + (data?.length ?? 0), 0);
    if (size > MOST_MOVED_BYTES) {
      throw new ShellError(`${from} is too large for one transaction: cp and deleteall do it in several`);
    }
    const target = moved(source, from, to);
    try {
      await moveAll(client, znodes, [...target.paths()].sort(), target).commit(calls);
    } catch (error) {
      if (isZooKeeperError(error, 'badVersion', 'notEmpty')) {
        throw new ShellError(`${error.path} was changed meanwhile: nothing was moved`);
      }
      throw error;
    }
    print(`Moved ${from} to ${to}: ${counted(znodes.length, 'znode')}`, { moved: from, to, count: znodes.length });
  },
};

function moveAll(
  client: Client,
  znodes: readonly Znode[],
  targets: readonly string[],
  target: MapTree,
): Transaction<readonly unknown[]> {
  let transaction: Transaction<readonly unknown[]> = client.transaction();
  for (const path of targets) {
    const { data, acl } = target.get(path) as Znode;
    transaction = transaction.create(path, data, {
      acl: acl.map(({ perms, scheme, id }) => ({ perms, scheme: scheme ?? '', id: id ?? '' })),
    });
  }
  for (const { path, stat } of [...znodes].reverse()) transaction = transaction.delete(path, { version: stat.version });
  return transaction;
}

function byPath(a: Znode, b: Znode): number {
  return a.path < b.path ? -1 : 1;
}

async function readSource(context: Context, from: string, to: string): Promise<MapTree> {
  requireOurs(from);
  requireOurs(to);
  if (isBelow(to, from)) throw new ShellError(`${to} is ${to === from ? '' : 'below '}${from} itself`);
  return readTree(context, from);
}
