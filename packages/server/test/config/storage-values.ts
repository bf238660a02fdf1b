import type { StorageValues } from '../../src/config/storage-values.ts';
import { NOT_A_NUMBER, NOT_A_SWITCH } from './ensemble-values.ts';

/** For every setting of the log and the snapshots: a text that differs from the default, and what it must become. */
export const GOOD_STORAGE_VALUES: { readonly [Name in keyof StorageValues]: [string, StorageValues[Name]] } = {
  forceSync: ['no', false],
  txnLogSizeLimitBytes: ['1024', 1_048_576],
  snapshotCompression: ['gz', 'gz'],
  closeSessionTxn: ['false', false],
  fsyncWarningThresholdMs: ['50', 50],
};

/** For every one of them: texts that must be refused. */
export const BAD_STORAGE_VALUES: { readonly [Name in keyof StorageValues]: readonly string[] } = {
  forceSync: [...NOT_A_SWITCH, 'true', 'false'],
  txnLogSizeLimitBytes: [...NOT_A_NUMBER, '1G'],
  snapshotCompression: ['gzip', 'GZ', 'lz4'],
  closeSessionTxn: [...NOT_A_SWITCH, 'yes', 'no'],
  fsyncWarningThresholdMs: [...NOT_A_NUMBER, '-1'],
};
