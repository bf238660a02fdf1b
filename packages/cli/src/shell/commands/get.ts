import { valueJson } from '../../history/value-text.ts';
import { hexDump, statJson, statText } from '../format.ts';
import type { Arguments } from '../parse-arguments.ts';
import { readableValue } from '../readable-value.ts';
import { ShellError } from '../shell-error.ts';
import type { Command, Context } from './command.ts';

export const get: Command = {
  name: 'get',
  usage: '[-s] [-w] [-b] [-x] path',
  about:
    'prints the data of a znode: -b base64, -x hexadecimal, -s with its stat, -w and watches it; get -R path folder',
  options: { s: 'flag', w: 'flag', b: 'flag', x: 'flag', R: 'flag', raw: 'flag', pretty: 'flag' },
  least: 1,
  completes: ['path', 'file'],
  async run(context, args) {
    if (args.has('R')) {
      const { downloadTree } = await import('../local-tree.ts');
      await downloadTree(context, args);
      return;
    }
    const { client, calls, output, print } = context;
    const [path, extra] = args.words as [string, string?];
    if (extra !== undefined) {
      output.err("'get path [watch]' has been deprecated. Please use 'get [-s] [-w] path' instead.");
    }
    const watch = args.has('w') || extra !== undefined;
    const { data, stat } = await client.getData(path, { ...calls, ...(watch ? { watch: context.watcher } : {}) });
    const json = { path, data: valueJson(data), ...(args.has('s') ? { stat: statJson(stat) } : {}) };
    print(shown(data, args, context), json);
    if (args.has('s') && !context.isJson) output.out(statText(stat));
  },
};

function shown(data: Uint8Array | null, args: Arguments, { output }: Context): string | Uint8Array {
  if (args.has('raw') && args.has('pretty')) throw new ShellError('--raw and --pretty do not go together');
  if (data === null) return 'null';
  if (args.has('x')) return hexDump(data);
  if (args.has('b')) return Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64');
  const isPretty = args.has('pretty') || (output.isTerminal && !args.has('raw'));
  return isPretty ? readableValue(data, output) : data;
}
