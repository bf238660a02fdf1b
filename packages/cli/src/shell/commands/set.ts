import { statJson, statText } from '../format.ts';
import { versionOf } from '../parse-arguments.ts';
import { ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

export const set: Command = {
  name: 'set',
  usage: 'path data [-s] [-v version] [-b]',
  about: 'sets the data of a znode, given in base64 with -b; with -v only if it has that version',
  options: { s: 'flag', v: 'value', b: 'flag' },
  least: 2,
  completes: ['path'],
  async run({ client, calls, print }, args) {
    const [path, data] = args.words as [string, string];
    const stat = await client.setData(path, args.has('b') ? decoded(data) : data, {
      ...calls,
      version: versionOf(args),
    });
    print(args.has('s') ? statText(stat) : null, { set: path, stat: statJson(stat) });
  },
};

function decoded(text: string): Uint8Array {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(text)) {
    throw new ShellError('With -b the data has to be in base64');
  }
  return Buffer.from(text, 'base64');
}
