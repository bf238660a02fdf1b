import { DRAFT_SUFFIX } from '../adapters/disk/durable-file.ts';
import {
  ACCEPTED_NAME,
  CURRENT_NAME,
  decideEpochs,
  EPOCHS_COPY_NAME,
  readEpochTexts,
} from '../adapters/disk/epoch-files.ts';
import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import type { Change, RepairPlan } from './changes.ts';
import { RepairRefused } from './repair-refused.ts';
import { repairSettings } from './repair-settings.ts';
import { plannedFiles, tryStart } from './trial-start.ts';

/**
 * Plans to set both epoch files right: `currentEpoch` to what the history shows, `acceptedEpoch` to the greatest epoch that
 * the files or the history show. Throws RepairRefused when a start refuses the history, or what the disk throws.
 */
export function planMendEpochs(folders: HistoryFolders, juteMaxBuffer: number): RepairPlan {
  const { disk, snapshotFolder } = folders;
  const { recovery, refusal } = tryStart(plannedFiles(folders, []), repairSettings(juteMaxBuffer));
  if (recovery === null) throw new RepairRefused(`The history must be mended before the epochs: ${refusal.message}`);
  const files = readEpochTexts(disk, snapshotFolder);
  const { epochs, damage } = decideEpochs(files, recovery.lastZxid);
  // One of the files is damaged: the other may still be right.
  const { current: reachedByCopy = 0 } = files.copy ?? {};
  const copy = { accepted: 0, current: reachedByCopy };
  const alone = decideEpochs({ accepted: null, current: files.current, copy }, recovery.lastZxid);
  const current = alone.damage === null ? alone.epochs.current : epochs.current;
  const steps: string[] = [];
  const changes: Change[] = [];
  // `acceptedEpoch` first: at no moment is it the smaller one.
  for (const [name, epoch, text] of [
    [ACCEPTED_NAME, epochs.accepted, files.accepted],
    [CURRENT_NAME, current, files.current],
  ] as const) {
    if (text === String(epoch)) continue;
    const was = text === null ? 'it is missing' : `it holds ${JSON.stringify(text.slice(0, 40))}`;
    steps.push(`writes ${epoch} to ${name}: ${was}`);
    changes.push({
      kind: 'write',
      folder: snapshotFolder,
      name,
      pieces: () => [new TextEncoder().encode(String(epoch))],
    });
  }
  for (const name of [ACCEPTED_NAME, CURRENT_NAME].map((file) => `${file}${DRAFT_SUFFIX}`)) {
    if (!disk.existsSync(`${snapshotFolder}/${name}`)) continue;
    steps.push(`moves out ${name}, which a crash has left`);
    changes.push({ kind: 'remove', folder: snapshotFolder, name });
  }
  if (files.copy && (files.copy.accepted > epochs.accepted || files.copy.current > current)) {
    steps.push(`moves out ${EPOCHS_COPY_NAME}, which remembers greater epochs`);
    changes.push({ kind: 'remove', folder: snapshotFolder, name: EPOCHS_COPY_NAME });
  }
  const notes =
    damage === null
      ? []
      : [
          `${damage}, so what this server has promised is a guess: it may have promised a greater epoch. A member of an ` +
            'ensemble should get the greatest acceptedEpoch of all members. Headkeeper copes by itself: it does not vote until ' +
            'a leader has brought it up to date.',
        ];
  return { steps, losses: [], notes, changes };
}
