import type { DataDir } from './adapters/disk/data-dir.ts';
import type { Examination } from './adapters/disk/repair-draft.ts';
import type { StorageStatistics } from './adapters/disk/storage-statistics.ts';
import type { ServerConfig } from './config/schema.ts';
import { Database } from './core/database.ts';
import { type Recovery, recover } from './core/log/recovery.ts';
import type { LoggedFacts } from './core/log/recovery-options.ts';
import { RecoveryRefused } from './core/log/recovery-refused.ts';
import type { RecoverySource } from './core/log/recovery-source.ts';
import { RecoveredState } from './core/recovered-state.ts';
import type { CoreSettings } from './core/settings.ts';
import type { Clock } from './ports.ts';
import { ServerExit, type ServerLog, StartError } from './start-error.ts';

/**
 * Reads a state, and mends nothing. `logged`: what is noted of the log; null: nothing is. Throws RecoveryRefused, and what the source throws.
 */
function readState(
  config: ServerConfig,
  settings: CoreSettings,
  source: RecoverySource,
  logged: LoggedFacts | null,
): Recovery<RecoveredState> {
  const options = {
    trustEmptySnapshot: config.snapshotTrustEmpty,
    maxRecordBytes: config.juteMaxBuffer + config.juteMaxBufferExtra,
    ...logged,
  };
  return recover(source, () => new RecoveredState(new Database(settings)), options);
}

/** What a start would make of a history that was put together again. Throws what the source throws. */
export function examineHistory(config: ServerConfig, settings: CoreSettings, source: RecoverySource): Examination {
  try {
    const { state, snapshotZxid, lastZxid, filesToTruncate } = readState(config, settings, source, null);
    const end = filesToTruncate.length > 0 ? 'its end is torn' : null;
    return { snapshotZxid, lastZxid, fault: (state.isInDoubt ? state.digestMismatches[0] : null) ?? end };
  } catch (error) {
    if (!(error instanceof RecoveryRefused)) throw error;
    return { snapshotZxid: -1, lastZxid: 0, fault: error.message };
  }
}

/**
 * Reads the state from the directory, and mends what a crash has left there. `isStart`: a state that the digests put in doubt is refused,
 * where others have the right one. Who reads its state again while it runs asks a leader for another one.
 */
export function recoverState(
  config: ServerConfig,
  settings: CoreSettings,
  dataDir: DataDir,
  storage: StorageStatistics,
  log: ServerLog,
  isStart: boolean,
): Recovery<RecoveredState> {
  // What nobody waits for needs no proof that it is on the disk.
  const logged = config.forceSync ? dataDir.logged() : null;
  const lostMark = config.forceSync ? dataDir.lostMark : null;
  if (lostMark !== null) {
    log.warn(
      {},
      `${lostMark} is damaged, or was not completed: if the log has lost its end, or that of an earlier epoch, without a trace, this ` +
        'start cannot tell. The file is written anew.',
    );
  }
  const recovery = storage.load(dataDir.source, (source) => readState(config, settings, source, logged));
  const { state } = recovery;
  state.database.logGapZxid = recovery.logGapZxid;
  for (const warning of recovery.warnings) log.warn({}, warning);
  for (const mismatch of state.digestMismatches) log.error({}, mismatch);
  if (state.mismatchCount > 0) {
    log.error({ count: state.mismatchCount }, 'digests of the data directory do not match');
    // Txns that a damaged log lacks between two epochs leave no other trace, and others have the right state.
    if (isStart && state.isInDoubt && hasPeers(config)) {
      throw new RecoveryRefused(
        'digest-mismatch',
        `The state that the logs lead to is not the one that was logged: ${state.digestMismatches[0]}. Txns are missing or ` +
          'damaged. Restore the data directory from a backup or another server; to accept the state as it is, start with ' +
          'digest.enabled=false.',
        {},
      );
    }
  }
  dataDir.requireLogged(recovery.lastZxid);
  dataDir.repair(recovery);
  return recovery;
}

/** A damaged directory ends the start of a standalone server; one of an ensemble gets its state from the others. */
export function recoverOrSetAside(
  config: ServerConfig,
  ports: { readonly clock: Clock; readonly log: ServerLog },
  dataDir: DataDir,
  recoverDatabase: () => Recovery<RecoveredState>,
): Recovery<RecoveredState> {
  try {
    const recovery = recoverDatabase();
    if (recovery.fresh && !config.dbAutocreate && !dataDir.initialize && config.ensemble === null) {
      throw new StartError(
        `${config.dataDir} holds no data and db.autocreate=false: restore the data, or make an empty file named ` +
          `"initialize" in ${config.dataLogDir} to begin with an empty tree`,
        ServerExit.dataDirectory,
        null,
      );
    }
    return recovery;
  } catch (error) {
    if (!(error instanceof RecoveryRefused) || !hasPeers(config)) throw error;
    ports.log.error({}, `the data cannot be trusted and is set aside; the ensemble gives it back: ${error.message}`);
    dataDir.setAside(error.message, ports.clock.wallMs());
    return recoverDatabase();
  }
}

/** Whether others may have what this server lacks. */
function hasPeers({ ensemble }: ServerConfig): boolean {
  return ensemble !== null && ensemble.membership.voters.size > 1;
}
