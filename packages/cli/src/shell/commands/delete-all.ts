import { deleteAll as deleteTree } from '@headkeeper/client';
import { requireZnode, ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

export const deleteAll: Command = {
  name: 'deleteall',
  usage: 'path [-b batch size]',
  about: 'deletes a znode and all below it',
  options: { b: 'value' },
  least: 1,
  completes: ['path'],
  async run({ client, calls, signal, print }, args) {
    const [path] = args.words as [string];
    const batch = args.value('b');
    // Taken and checked for the sake of scripts: how much goes into one transaction is the client's matter.
    if (batch !== undefined && !/^-?\d{1,9}$/.test(batch)) throw new ShellError('-b argument must be an int value');
    await requireZnode(client, path, signal);
    print(null, { deleted: path, count: await deleteTree(client, path, calls) });
  },
};
