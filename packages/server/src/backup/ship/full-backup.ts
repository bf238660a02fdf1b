import type { FullManifest } from '../manifest.ts';
import type { BackupRepository, LogFacts } from '../repository.ts';
import type { HistoryReader } from './log-tail.ts';
import { timeOfTxn } from './resume.ts';

export interface FullBackupOptions {
  readonly repository: BackupRepository;
  readonly history: HistoryReader;
  readonly readSnapshot: (zxid: number) => AsyncIterable<Uint8Array>;
  readonly zxid: number;
  readonly takenMs: number;
  readonly facts: Pick<LogFacts, 'by' | 'compression'>;
  /** Is waited for between two bites of work. */
  readonly between: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Puts the snapshot of `zxid`, which the server has just written, into the target. */
export function putFullBackup(options: FullBackupOptions): Promise<FullManifest> {
  const { repository, history, zxid, takenMs, facts, between, signal } = options;
  const txnTimeMs = timeOfTxn(history, zxid);
  return repository.putFull(options.readSnapshot(zxid), { zxid, txnTimeMs, takenMs, ...facts }, signal, between);
}
