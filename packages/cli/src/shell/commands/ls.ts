import { type Client, isZooKeeperError } from '@headkeeper/client';
import { childPath } from '../../history/znode.ts';
import { listText, statJson, statText } from '../format.ts';
import type { Command, Context } from './command.ts';

export const ls: Command = {
  name: 'ls',
  usage: '[-s] [-w] [-R] path',
  about: 'lists the children of a znode: -s with its stat, -w and watches them, -R all below it',
  options: { s: 'flag', w: 'flag', R: 'flag' },
  least: 1,
  completes: ['path'],
  async run(context, args) {
    const { client, calls, output, print } = context;
    const [path, extra] = args.words as [string, string?];
    if (extra !== undefined) {
      output.err("'ls path [watch]' has been deprecated. Please use 'ls [-w] path' instead.");
    }
    if (args.has('R')) {
      await listAll(client, path, context);
      return;
    }
    const watch = args.has('w') || extra !== undefined;
    const { children, stat } = await client.getChildren(path, {
      ...calls,
      ...(watch ? { watch: context.watcher } : {}),
    });
    const sorted = [...children].sort();
    const json = { path, children: sorted, ...(args.has('s') ? { stat: statJson(stat) } : {}) };
    print(listText(sorted), json);
    if (args.has('s') && !context.isJson) output.out(statText(stat));
  },
};

/** The znode, then its children, then what is below the first of them, and so on: Apache's order. */
async function listAll(client: Client, path: string, { calls, print }: Context): Promise<void> {
  const { children } = await client.getChildren(path, calls);
  print(path, { path });
  const pending = [childrenOf(path, children, print)];
  for (let level = pending.at(-1); level !== undefined; level = pending.at(-1)) {
    const next = level.shift();
    if (next === undefined) {
      pending.pop();
      continue;
    }
    try {
      pending.push(childrenOf(next, (await client.getChildren(next, calls)).children, print));
    } catch (error) {
      // Deleted meanwhile.
      if (!isZooKeeperError(error, 'noNode')) throw error;
    }
  }
}

function childrenOf(path: string, names: readonly string[], print: Context['print']): string[] {
  const paths = [...names].sort().map((name) => childPath(path, name));
  for (const child of paths) print(child, { path: child });
  return paths;
}
