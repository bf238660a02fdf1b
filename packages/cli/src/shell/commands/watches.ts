import { keeperErrorCode, requireZnodePath, ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

export const addWatch: Command = {
  name: 'addWatch',
  usage:
    '[-m mode] path # optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - default is PERSISTENT_RECURSIVE',
  about: 'watches a znode, or it and all below it, for as long as the session lasts',
  options: { m: 'value' },
  least: 1,
  completes: ['path'],
  async run({ client, calls, watcher, print }, args) {
    const [path] = args.words as [string];
    const mode = (args.value('m') ?? 'PERSISTENT_RECURSIVE').toUpperCase();
    if (mode !== 'PERSISTENT' && mode !== 'PERSISTENT_RECURSIVE') {
      throw new ShellError(`There is no mode ${mode}: it is one of PERSISTENT, PERSISTENT_RECURSIVE`);
    }
    await client.addWatch(path, mode === 'PERSISTENT' ? 'persistent' : 'recursive', watcher, calls);
    print(null, { path, mode });
  },
};

export const removeWatches: Command = {
  name: 'removewatches',
  usage: 'path [-c|-d|-a] [-l]',
  about: 'removes watches: -c of children, -d of data, -a all; -l here, even if no server can be told',
  options: { c: 'flag', d: 'flag', a: 'flag', l: 'flag' },
  least: 1,
  completes: ['path'],
  async run({ client, calls, print }, args) {
    const [path] = args.words as [string];
    requireZnodePath(path);
    const kind = args.has('c') ? 'children' : args.has('d') ? 'data' : 'any';
    const were = await client.removeWatches(path, { ...calls, kind, local: args.has('l') });
    if (!were) throw new ShellError(keeperErrorCode('noWatcher', path));
    print(null, { path, removed: kind });
  },
};

export const printWatches: Command = {
  name: 'printwatches',
  usage: 'on|off',
  about: 'says whether the events of watches are printed, or changes it',
  options: {},
  least: 0,
  offline: true,
  async run({ shell, print }, args) {
    const [wanted] = args.words;
    if (wanted !== undefined) {
      if (wanted !== 'on' && wanted !== 'off') throw new ShellError('printwatches is on or off');
      shell.printWatches = wanted === 'on';
      return;
    }
    print(`printwatches is ${shell.printWatches ? 'on' : 'off'}`, { printwatches: shell.printWatches });
  },
};
