/** The side door: what the sister packages and the project's own scripts need and nobody else should. */

export { asideSnapshotName } from './adapters/disk/file-names.ts';
export { FolderInUse, type FolderLock, lockFolder } from './adapters/disk/folder-lock.ts';
export { type FolderUser, type FolderUsers, folderUsers } from './adapters/disk/folder-users.ts';
export type { HistoryFolders } from './adapters/disk/history-folders.ts';
export { loggedMarkIn, writeLoggedMark } from './adapters/disk/logged-mark.ts';
export { createNodeDisk } from './adapters/disk/node-disk.ts';
export { newestSlotIn } from './adapters/disk/number-slots.ts';
export { createRecoverySource } from './adapters/disk/recovery-files.ts';
export { createWaitingRoom } from './adapters/disk/waiting-room.ts';
export {
  ElectionLinks,
  type ElectionLinksListener,
  type ElectionLinksOptions,
} from './adapters/peer/election-links.ts';
export type { AuthExchange, AuthStep, PeerAuthenticator } from './adapters/peer/peer-authenticator.ts';
export {
  type QuorumConnectOptions,
  type QuorumLinkKind,
  QuorumLinks,
  type QuorumLinksListener,
  type QuorumLinksOptions,
} from './adapters/peer/quorum-links.ts';
export { createHashing } from './adapters/system/hashing.ts';
export { openApi } from './admin/http/openapi.ts';
export { OWN_LISTINGS } from './admin/http/own-listings.ts';
export { METRIC_BY_NAME, METRICS } from './admin/metrics/catalogue.ts';
export type { MetricGroup, MetricRow } from './admin/metrics/metric.ts';
export { BackupError, type BackupProblem } from './backup/backup-error.ts';
export { type BackupState, type BackupStateOptions, restoreState } from './backup/backup-state.ts';
export { type BandwidthClock, limitBandwidth } from './backup/bandwidth-limit.ts';
export { Catalogue, catalogueOf, type Entry, type FullEntry, type LogEntry } from './backup/catalogue.ts';
export { type Chain, type ChainPart, type Gap, planChain, requireChain } from './backup/chain.ts';
export { type FoundChange, findChange, type SoughtChange, type SoughtOperation } from './backup/change-search.ts';
export { backUpDataDir, type DataDirBackup, type DataDirBackupOptions } from './backup/data-dir-backup.ts';
export { BackupKey, readKeyFile } from './backup/encryption.ts';
export { createFolderTarget } from './backup/folder-target.ts';
export { gapsBetween, type HistoryLine, historyLines, restorableFrom } from './backup/history-lines.ts';
export type { FullManifest, LogManifest, Manifest, StoredFile } from './backup/manifest.ts';
export { type PruneOptions, type PruneResult, pruneBackup } from './backup/prune.ts';
export {
  type OnTxn,
  type ReplayOptions,
  type ReplayProgress,
  type ReplaySummary,
  readLog,
} from './backup/replay.ts';
export { BackupRepository, type FullFacts, type LogFacts } from './backup/repository.ts';
export { greatestEpoch, type KnownEpoch, type RaisedEpoch, raiseEpoch } from './backup/restore-epoch.ts';
export { checkRestoreFolder, type RestoreFolder, type RestoreWorld } from './backup/restore-folder.ts';
export { type RestoreProblem, RestoreRefused } from './backup/restore-refused.ts';
export { EPOCH_JUMP, epochBeyond, type RestoredData, type WrittenData, writeRestored } from './backup/restore-write.ts';
export type { RetentionRules } from './backup/retention.ts';
export { createS3Target, type S3Credentials, type S3TargetOptions } from './backup/s3-target.ts';
export { type LogSegment, SegmentBuilder, timeOfBody } from './backup/segment-builder.ts';
export { backUpSnapshot, type SnapshotBackup, type SnapshotBackupOptions } from './backup/snapshot-backup.ts';
export { type SoundEnd, withSoundEnd } from './backup/sound-end.ts';
export { type BackupTarget, TargetError, type TargetFailure, type TargetObject } from './backup/target.ts';
export { type Environment, openTarget, type TargetPlace } from './backup/target-opening.ts';
export { type OtherHistory, otherHistoryText, type ZxidAtTime, zxidAtTime } from './backup/time-lookup.ts';
export {
  type VerifyOptions,
  type VerifyProblem,
  type VerifyProgress,
  type VerifyReport,
  verifyBackup,
} from './backup/verify.ts';
export { isAuthFamilyKey } from './config/auth-families.ts';
export { ConfigError } from './config/config-error.ts';
export { knownElsewhere } from './config/known-keys.ts';
export { isMemberKey } from './config/members.ts';
export { parseServerConfig } from './config/parse.ts';
export { SETTINGS, type ServerConfig } from './config/schema.ts';
export { toCoreSettings } from './config/server-config.ts';
export type { Setting } from './config/setting.ts';
export { valueText } from './config/value-text.ts';
export type { FailedLogin } from './core/auth/authentication.ts';
export { Database } from './core/database.ts';
export type { Event } from './core/events.ts';
export { adler32 } from './core/log/checksum.ts';
export { LogFileReader } from './core/log/log-reader.ts';
export { LogReplay } from './core/log/log-replay.ts';
export { LOG_HEADER_BYTES, RecordReader, zxidOfBody } from './core/log/record-codec.ts';
export type { LoggedFacts } from './core/log/recovery-options.ts';
export { RecoveryRefused } from './core/log/recovery-refused.ts';
export type { RecoverySource, SnapshotFile } from './core/log/recovery-source.ts';
export { SnappyStreamDecoder } from './core/log/snappy.ts';
export { SnapshotDamaged, SnapshotDecoder, type SnapshotSummary } from './core/log/snapshot-decoder.ts';
export { earlierThanNamed } from './core/log/snapshot-name.ts';
export type { StateSink } from './core/log/state-sink.ts';
export { type Membership, parseMembership } from './core/membership/membership.ts';
export type { Ready } from './core/ready.ts';
export { RecoveredState } from './core/recovered-state.ts';
export { Replica } from './core/replica.ts';
export { type CoreSettings, NO_THROTTLES, PLAIN_AUTHENTICATION } from './core/settings.ts';
export { TxnApplier } from './core/tree/apply.ts';
export { Field } from './core/tree/node-store.ts';
export { SnapshotWriter } from './core/tree/snapshot-writer.ts';
export { writeStat } from './core/tree/stat.ts';
export { CommittedLog } from './core/zab/committed-log.ts';
export { planSync, type SyncPlan } from './core/zab/sync-plan.ts';
export { limits } from './limits.ts';
export { type AssembledServer, assembleServer, type ServerPorts } from './main.ts';
export type {
  ClientLink,
  Clock,
  Disk,
  DiskFile,
  DiskSource,
  Endpoint,
  Logins,
  PeerNetwork,
  PeerStream,
  PeerStreamHandler,
  Timers,
} from './ports.ts';
export type { RepairPlan } from './repair/changes.ts';
export { type CutPlace, planCutTail } from './repair/cut-tail.ts';
export { type EpochsReport, type Examination, examine, gapText, type HeadkeeperStart } from './repair/examine.ts';
export type { SnapshotReport } from './repair/examine-snapshot.ts';
export { carryOut, planUndo } from './repair/keeping.ts';
export type { LogScan } from './repair/log-scan.ts';
export { planMendEpochs } from './repair/mend-epochs.ts';
export { type ExaminedRecord, examineRecord, planDrop, planFix } from './repair/mend-record.ts';
export { planRebuildSnapshot } from './repair/rebuild-snapshot.ts';
export { foldersOfLog, repairFolders } from './repair/repair-folders.ts';
export { RepairRefused } from './repair/repair-refused.ts';
export { type FatalExit, StartError } from './start-error.ts';
