import type { HistoryFolders } from '../adapters/disk/history-folders.ts';
import { LOGGED_NAME, loggedMarkIn, readLogged, requireLogged } from '../adapters/disk/logged-mark.ts';
import { createRecoverySource } from '../adapters/disk/recovery-files.ts';
import { Database } from '../core/database.ts';
import { type Recovery, recover } from '../core/log/recovery.ts';
import type { LoggedFacts } from '../core/log/recovery-options.ts';
import { RecoveryRefused } from '../core/log/recovery-refused.ts';
import type { LogFile, RecoverySource, SnapshotFile } from '../core/log/recovery-source.ts';
import { RecoveredState } from '../core/recovered-state.ts';
import type { CoreSettings } from '../core/settings.ts';
import { type Change, contents } from './changes.ts';

/** All that a start reads of a history. */
export interface TrialFiles extends RecoverySource {
  readonly logFolder: string;
  /** What is noted of the log beside it (`headkeeper.logged`). */
  logged(): LoggedFacts;
}

/** What a start with these files comes to. */
export type TrialStart =
  | { readonly recovery: Recovery<RecoveredState>; readonly refusal: null }
  | { readonly recovery: null; readonly refusal: RecoveryRefused };

/**
 * Does in memory what a Headkeeper start does with these files; nothing is written. The largest record taken is that of the
 * settings.
 */
export function tryStart(files: TrialFiles, settings: CoreSettings): TrialStart {
  try {
    const logged = files.logged();
    const recovery = recover(files, () => new RecoveredState(new Database(settings)), {
      trustEmptySnapshot: false,
      maxRecordBytes: settings.juteMaxBuffer + settings.juteMaxBufferExtra,
      ...logged,
    });
    requireLogged(logged, files.logFolder, recovery.lastZxid);
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
): TrialFiles {
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
    logFolder,
    logged() {
      const change = changed.get(`${logFolder}/${LOGGED_NAME}`);
      if (change?.kind !== 'write') return readLogged(disk, logFolder);
      const bytes = new Uint8Array(Buffer.concat([...contents(disk, change)]));
      return loggedMarkIn(bytes) ?? { provenZxid: 0, epochEnds: [] };
    },
  };
}
