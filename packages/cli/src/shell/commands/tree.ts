import { isZooKeeperError } from '@headkeeper/client';
import { childPath } from '../../history/znode.ts';
import { wholeNumber } from '../parse-arguments.ts';
import type { Command, Context } from './command.ts';

export const tree: Command = {
  name: 'tree',
  usage: '[-d depth] [path]',
  about: 'draws the znodes at and below one: -d so many levels',
  options: { d: 'value' },
  least: 0,
  isOurs: true,
  completes: ['path'],
  async run(context, args) {
    const depth = args.value('d');
    const levels = depth === undefined ? Number.POSITIVE_INFINITY : wholeNumber(depth, 'd', 1, 1_000_000);
    const [top = '/'] = args.words;
    const { children } = await context.client.getChildren(top, context.calls);
    context.print(context.output.paint('blue', top), { path: top, depth: 0 });
    await draw(context, top, children, { levels, depth: 1, margin: '' });
  },
};

interface Place {
  readonly levels: number;
  readonly depth: number;
  readonly margin: string;
}

async function draw(context: Context, parent: string, names: readonly string[], place: Place): Promise<void> {
  if (place.depth > place.levels) return;
  const sorted = [...names].sort();
  // All that are on one level are asked for together.
  const lists = await Promise.all(sorted.map((name) => childrenOf(context, childPath(parent, name))));
  for (const [i, name] of sorted.entries()) {
    const list = lists[i] ?? null;
    if (list === null) continue;
    const isLast = i === sorted.length - 1;
    const label = list.children.length > 0 ? context.output.paint('blue', name) : name;
    const owner = list.isEphemeral ? context.output.paint('grey', ' (ephemeral)') : '';
    const path = childPath(parent, name);
    context.print(`${place.margin}${isLast ? '└── ' : '├── '}${label}${owner}`, {
      path,
      depth: place.depth,
      children: list.children.length,
      ephemeral: list.isEphemeral,
    });
    const margin = place.margin + (isLast ? '    ' : '│   ');
    await draw(context, path, list.children, { ...place, depth: place.depth + 1, margin });
  }
}

/** Null when it has gone meanwhile. */
async function childrenOf(
  { client, calls }: Context,
  path: string,
): Promise<{ readonly children: readonly string[]; readonly isEphemeral: boolean } | null> {
  try {
    const { children, stat } = await client.getChildren(path, calls);
    return { children, isEphemeral: stat.ephemeralOwner !== 0n };
  } catch (error) {
    if (isZooKeeperError(error, 'noNode')) return null;
    throw error;
  }
}
