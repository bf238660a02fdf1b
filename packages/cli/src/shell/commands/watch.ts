import { isZooKeeperError, type WatchEvent, watchEvents } from '@headkeeper/client';
import { valueJson, valueText } from '../../history/value-text.ts';
import { hex } from '../format.ts';
import { wholeNumber } from '../parse-arguments.ts';
import { requireZnodePath } from '../shell-error.ts';
import type { Command, Context } from './command.ts';

const MARKS = { created: '+', deleted: '-', dataChanged: '~', childrenChanged: '*' } as const;

export const watch: Command = {
  name: 'watch',
  usage: '[-r] [-n count] path',
  about: 'prints each change of a znode, -r and of all below it, until Ctrl-C or -n changes',
  options: { r: 'flag', n: 'value' },
  least: 1,
  isOurs: true,
  completes: ['path'],
  async run(context, args) {
    const [path] = args.words as [string];
    requireZnodePath(path);
    const count = args.value('n');
    let left = count === undefined ? Number.POSITIVE_INFINITY : wholeNumber(count, 'n', 1, 1_000_000_000);
    const mode = args.has('r') ? 'recursive' : 'persistent';
    // The end that people ask for is none that failed.
    for await (const event of watchEvents(context.client, path, mode, { signal: context.interrupted })) {
      await show(context, event);
      left--;
      if (left <= 0) return;
    }
  },
};

async function show(context: Context, event: WatchEvent): Promise<void> {
  const { output, print } = context;
  const { type, path, zxid } = event;
  const at = new Date().toISOString();
  if (type === 'gap' || type === 'closed') {
    print(output.paint('yellow', `${at} the connection was lost and is back: changes may be missing`), { at, type });
    return;
  }
  const value = type === 'created' || type === 'dataChanged' ? await valueNow(context, path) : undefined;
  const shown = value === undefined ? '' : ` ${value === null ? 'null' : valueText(value)}`;
  const mark = output.paint(type === 'deleted' ? 'red' : 'green', MARKS[type]);
  print(`${at} ${mark} ${path}${shown}`, {
    at,
    type,
    path,
    zxid: zxid === null ? null : hex(zxid),
    ...(value === undefined ? {} : { data: valueJson(value) }),
  });
}

/** As it is by now, maybe after more changes; undefined when it is gone or may not be read. */
async function valueNow({ client, calls }: Context, path: string): Promise<Uint8Array | null | undefined> {
  try {
    return (await client.getData(path, calls)).data;
  } catch (error) {
    if (isZooKeeperError(error, 'noNode', 'noAuth')) return undefined;
    throw error;
  }
}
