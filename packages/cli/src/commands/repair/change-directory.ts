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

/** Writes a snapshot from an older one and the logs. */
export async function runSnapshot(dataDir: string, options: ChangeOptions & { at?: number }): Promise<void> {
  const { juteMaxbuffer: juteMaxBuffer, acceptLoss } = options;
  await change(dataDir, options, (folders) =>
    planRebuildSnapshot(folders, options.at ?? null, { juteMaxBuffer, acceptLoss: acceptLoss === true }),
  );
}

/** Sets the epoch files right. */
export async function runEpochs(dataDir: string, options: ChangeOptions): Promise<void> {
  await change(dataDir, options, (folders) => planMendEpochs(folders, options.juteMaxbuffer));
}

/** Puts back what the repair of this folder changed. */
export async function runUndo(folder: string, options: ChangeOptions): Promise<void> {
  const path = resolve(folder);
  await change(dirname(path), options, (folders) => planUndo(folders, basename(path)));
}

async function change(
  dataDir: string,
  options: ChangeOptions,
  plan: (folders: HistoryFolders) => RepairPlan,
): Promise<void> {
  const folders = find((disk) => repairFolders(disk, dataDir, options.dataLogDir ?? null));
  await holding(folders, () =>
    settle(
      folders,
      withErrors(() => plan(folders)),
      options,
    ),
  );
}
