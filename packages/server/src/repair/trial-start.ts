import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { createRecoverySource } from '../adapters/disk/recovery-files.ts';
import { Database } from '../core/database.ts';
import { type Recovery, recover } from '../core/log/recovery.ts';
import { RecoveryRefused } from '../core/log/recovery-refused.ts';
import type { LogFile, RecoverySource, SnapshotFile } from '../core/log/recovery-source.ts';
import { RecoveredState } from '../core/recovered-state.ts';
import type { CoreSettings } from '../core/settings.ts';
import { type Change, contents } from './changes.ts';

/** What a start with these files comes to. */
export type TrialStart =
  | { readonly recovery: Recovery<RecoveredState>; readonly refusal: null }
  | { readonly recovery: null; readonly refusal: RecoveryRefused };

/**
 * Does in memory what a Headkeeper start does with the files of a source; nothing is written. The largest record taken is
 * that of the settings.
 */
export function tryStart(source: RecoverySource, settings: CoreSettings): TrialStart {
  try {
    const recovery = recover(source, () => new RecoveredState(new Database(settings)), {
      trustEmptySnapshot: false,
      maxRecordBytes: settings.juteMaxBuffer + settings.juteMaxBufferExtra,
    });
    return { recovery, refusal: null };
  } catch (error) {
    if (error instanceof RecoveryRefused) return { recovery: null, refusal: error };
    throw error;
  }
}

/**
 * The files as they would be after the changes; `passed` hears of the bytes read. A snapshot that is changed is left out:
 * one that is being made cannot be read before it is written.
 */
export function plannedFiles(
  folders: HistoryFolders,
  changes: readonly Change[],
  passed: (bytes: number) => void = () => {},
): RecoverySource {
  const { disk, snapshotFolder, logFolder } = folders;
  const now = createRecoverySource(disk, snapshotFolder, logFolder);
  const changed = new Map(changes.map((change) => [`${change.folder}/${change.name}`, change]));
  const counting =
    (onChunk: (bytes: Uint8Array) => void) =>
    (bytes: Uint8Array): void => {
      passed(bytes.length);
      onChunk(bytes);
    };
  return {
    snapshots: (): SnapshotFile[] => now.snapshots().filter(({ name }) => !changed.has(`${snapshotFolder}/${name}`)),
    quickCheck: (name) => now.quickCheck(name),
    readSnapshot: (name, onChunk) => now.readSnapshot(name, counting(onChunk)),
    logs: (): LogFile[] => now.logs().filter(({ name }) => changed.get(`${logFolder}/${name}`)?.kind !== 'remove'),
    readLog(name, onChunk) {
      const change = changed.get(`${logFolder}/${name}`);
      if (change?.kind !== 'write') return now.readLog(name, counting(onChunk));
      for (const chunk of contents(disk, change)) onChunk(chunk);
    },
  };
}
