import { once } from 'node:events';
import process from 'node:process';
import { type ConnectionOptions, openRootClient } from '../../connection/connection-options.ts';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { compare } from '../../history/compare.ts';
import { DatabaseTree } from '../../history/database-tree.ts';
import { differenceJson, differenceText } from '../../history/difference-text.ts';
import { type HistorySource, stateAt } from '../../history/history-source.ts';
import { readLiveTree } from '../../history/live-tree.ts';
import { type Moment, momentText, parseMoment, zxidText } from '../../history/moment.ts';
import type { SourceOptions } from '../../history/source-options.ts';
import { withHistory } from '../../history/with-history.ts';
import { requirePath, type ZnodeTree } from '../../history/znode.ts';

export interface DiffOptions extends SourceOptions, ConnectionOptions {
  readonly server?: string;
  readonly json?: true;
}

/** A state and how it is named. */
interface State {
  readonly tree: ZnodeTree;
  readonly name: string;
}

const WRITE_CHARACTERS = 1 << 16;

/**
 * Prints what differs between two states of a subtree, and sets the exit code to say whether anything does.
 *
 * @throws CommandError for wrong arguments and for a history that does not reach that far.
 */
export async function runDiff(
  first: string,
  second: string,
  path: string | undefined,
  options: DiffOptions,
): Promise<void> {
  const top = requirePath(path ?? '/');
  const moments = [parseMoment(first), parseMoment(second)] as const;
  const isLive = (moment: Moment): boolean => moment.kind === 'now' && options.server !== undefined;
  const show = async (source: HistorySource | null): Promise<void> => {
    const load = (moment: Moment): Promise<State> =>
      source === null || isLive(moment) ? liveState(options, top) : pastState(source, moment);
    const before = await load(moments[0]);
    const after = await load(moments[1]);
    if (before.tree.get(top) === null && after.tree.get(top) === null) {
      throw new CommandError(`${top} exists in neither of the two states`);
    }
    const counts = await print(before, after, top, options.json === true);
    for (const warning of source?.warnings ?? []) process.stderr.write(`headkeeper: ${warning}\n`);
    process.exitCode = counts.added + counts.removed + counts.changed > 0 ? ExitCode.different : ExitCode.done;
  };
  if (moments.every(isLive)) await show(null);
  else await withHistory(options, show);
}

async function print(
  before: State,
  after: State,
  top: string,
  json: boolean,
): Promise<{ added: number; removed: number; changed: number }> {
  const counts = { added: 0, removed: 0, changed: 0 };
  let text = json ? '' : `from ${before.name}\nto   ${after.name}\n`;
  for (const difference of compare(before.tree, after.tree, top)) {
    counts[difference.kind]++;
    text += json ? `${JSON.stringify(differenceJson(difference))}\n` : differenceText(difference);
    if (text.length < WRITE_CHARACTERS) continue;
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    text = '';
  }
  if (!json) text += `${counts.added} added, ${counts.removed} removed, ${counts.changed} changed\n`;
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  return counts;
}

async function pastState(source: HistorySource, moment: Moment): Promise<State> {
  const zxid = await source.zxidAt(moment);
  const tree = new DatabaseTree(await stateAt(source, zxid));
  const asked = moment.kind === 'zxid' && moment.zxid === zxid ? '' : ` (${momentText(moment)})`;
  return { tree, name: `${zxidText(zxid)}${asked}` };
}

async function liveState(options: DiffOptions, top: string): Promise<State> {
  const client = await openRootClient(options.server as string, options);
  try {
    return { tree: await readLiveTree(client, top), name: `now on ${options.server}` };
  } finally {
    await client.close();
  }
}
