import { ExitCode } from '../../exit-codes.ts';
import { compare } from '../../history/compare.ts';
import { differenceJson, differenceText } from '../../history/difference-text.ts';
import type { MapTree } from '../../history/map-tree.ts';
import { readTree, rerooted } from '../live-subtree.ts';
import type { Command, Context } from './command.ts';

export const diff: Command = {
  name: 'diff',
  usage: 'path path',
  about: 'shows how the second subtree differs from the first: data and access control lists',
  options: {},
  least: 2,
  isOurs: true,
  completes: ['path'],
  async run(context, args) {
    const [first, second] = args.words as [string, string];
    const before = rerooted(await readTree(context, first), first);
    const after = rerooted(await readTree(context, second), second);
    const count = show(context, before, after);
    if (count > 0) context.shell.exitWith(ExitCode.different);
    else context.print(null, { differences: 0 });
  },
};

function show({ print, output }: Context, before: MapTree, after: MapTree): number {
  let count = 0;
  for (const difference of compare(before, after, '/')) {
    const colour = difference.kind === 'added' ? 'green' : difference.kind === 'removed' ? 'red' : 'yellow';
    print(output.paint(colour, differenceText(difference).trimEnd()), differenceJson(difference));
    count++;
  }
  return count;
}
