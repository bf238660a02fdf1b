import { statJson, statText } from '../format.ts';
import { ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

export const stat: Command = {
  name: 'stat',
  usage: '[-w] path',
  about: 'prints the stat of a znode: -w and watches it',
  options: { w: 'flag' },
  least: 1,
  completes: ['path'],
  async run({ client, calls, output, watcher, print }, args) {
    const [path, extra] = args.words as [string, string?];
    if (extra !== undefined) {
      output.err("'stat path [watch]' has been deprecated. Please use 'stat [-w] path' instead.");
    }
    const watch = args.has('w') || extra !== undefined;
    const found = await client.exists(path, { ...calls, ...(watch ? { watch: watcher } : {}) });
    if (found === null) throw new ShellError(`Node does not exist: ${path}`);
    print(statText(found), { path, stat: statJson(found) });
  },
};
