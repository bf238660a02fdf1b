import { versionOf } from '../parse-arguments.ts';
import type { Command } from './command.ts';

export const deleteCommand: Command = {
  name: 'delete',
  usage: '[-v version] path',
  about: 'deletes a znode without children',
  options: { v: 'value' },
  least: 1,
  completes: ['path'],
  async run({ client, calls, output, print }, args) {
    const [path, extra] = args.words as [string, string?];
    if (extra !== undefined) {
      output.err("'delete path [version]' has been deprecated. Please use 'delete [-v version] path' instead.");
    }
    await client.delete(path, { ...calls, version: versionOf(args) });
    print(null, { deleted: path });
  },
};
