import { basename, dirname, resolve } from 'node:path';
import {
  type HistoryFolders,
  planMendEpochs,
  planRebuildSnapshot,
  planUndo,
  type RepairPlan,
  repairFolders,
} from '@headkeeper/server/internal';
import { settle } from './change.ts';
import { find, holding, withErrors } from './directory.ts';
import type { ChangeOptions } from './repair-options.ts';
import { disk, sizeOf, startBytes, working } from './working.ts';

/** Writes a snapshot from an older one and the logs. */
export async function runSnapshot(dataDir: string, options: ChangeOptions & { at?: number }): Promise<void> {
  const { juteMaxbuffer: juteMaxBuffer, acceptLoss } = options;
  await change(dataDir, options, startBytes, (folders) =>
    planRebuildSnapshot(folders, options.at ?? null, { juteMaxBuffer, acceptLoss: acceptLoss === true }),
  );
}

/** Sets the epoch files right. */
export async function runEpochs(dataDir: string, options: ChangeOptions): Promise<void> {
  await change(dataDir, options, startBytes, (folders) => planMendEpochs(folders, options.juteMaxbuffer));
}

/** Puts back what the repair of this folder changed. */
export async function runUndo(folder: string, options: ChangeOptions): Promise<void> {
  const path = resolve(folder);
  // What the repair kept, and what it left, are compared with its note.
  const total = (): number =>
    disk.existsSync(path) ? 2 * disk.listSync(path).reduce((sum, name) => sum + sizeOf(`${path}/${name}`), 0) : 0;
  await change(dirname(path), options, total, (folders) => planUndo(folders, basename(path)));
}

/** `toRead`: about how many bytes are read to make the plan. */
async function change(
  dataDir: string,
  options: ChangeOptions,
  toRead: (folders: HistoryFolders) => number,
  plan: (folders: HistoryFolders) => RepairPlan,
): Promise<void> {
  const folders = find((disk) => repairFolders(disk, dataDir, options.dataLogDir ?? null));
  await holding(folders, () =>
    settle(
      folders,
      withErrors(() => working('Examining', 'readBytes', toRead(folders), () => plan(folders))),
      options,
    ),
  );
}
