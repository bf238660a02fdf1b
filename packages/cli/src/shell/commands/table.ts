import { getAcl, setAcl } from './acl.ts';
import type { Command } from './command.ts';
import { cp, mv } from './copy.ts';
import { create } from './create.ts';
import { deleteCommand } from './delete.ts';
import { deleteAll } from './delete-all.ts';
import { diff } from './diff.ts';
import { edit } from './edit.ts';
import { exportCommand, importCommand } from './exchange.ts';
import { get } from './get.ts';
import { helpFor } from './help.ts';
import { history, quit, redo } from './lines.ts';
import { ls } from './ls.ts';
import { config, reconfig } from './membership.ts';
import { put } from './put.ts';
import { delQuotaCommand, listQuotaCommand, setQuotaCommand } from './quota.ts';
import {
  addAuth,
  close,
  connectCommand,
  getAllChildrenNumber,
  getEphemerals,
  sync,
  version,
  whoAmI,
} from './session.ts';
import { set } from './set.ts';
import { stat } from './stat.ts';
import { tree } from './tree.ts';
import { watch } from './watch.ts';
import { addWatch, printWatches, removeWatches } from './watches.ts';

/** Every command, by name in the order of Apache's list: capitals first. */
export const COMMANDS: readonly Command[] = [
  ...[addAuth, addWatch, close, config, connectCommand, cp, create, deleteAll, deleteCommand, delQuotaCommand],
  ...[diff, edit, exportCommand, get, getAcl, getAllChildrenNumber, getEphemerals, history, importCommand],
  ...[listQuotaCommand, ls, mv, printWatches, put, quit, reconfig, redo, removeWatches, set, setAcl],
  ...[setQuotaCommand, stat, sync, tree, version, watch, whoAmI],
  helpFor(() => COMMANDS),
].sort((a, b) => (a.name < b.name ? -1 : 1));

const byName: ReadonlyMap<string, Command> = new Map(
  COMMANDS.flatMap((command) => [command.name, ...(command.aliases ?? [])].map((name) => [name, command])),
);

/** Null when there is none of that name. */
export function commandNamed(name: string): Command | null {
  return byName.get(name) ?? null;
}
