import type { BackupValues } from '../../src/config/backup-values.ts';
import { NOT_A_NUMBER, NOT_A_SWITCH } from './ensemble-values.ts';

const NOT_A_TIME = ['', 'x', '10', '1.5s', '1 w', '-1s', '0s'];
const NOT_A_COUNT = [...NOT_A_NUMBER, '-1', '100001'];

/** For every setting of backups: a text that differs from the default, and what it must become. */
export const GOOD_BACKUP_VALUES: { readonly [Name in keyof BackupValues]: [string, BackupValues[Name]] } = {
  backupTarget: ['s3://zoo-backups/prod', 's3://zoo-backups/prod'],
  backupS3Endpoint: ['http://127.0.0.1:9000', 'http://127.0.0.1:9000'],
  backupS3Region: ['eu-central-1', 'eu-central-1'],
  backupS3PathStyle: ['true', true],
  backupFullIntervalMs: ['12h', 43_200_000],
  backupExposureMs: ['250 ms', 250],
  backupKeepCount: ['3', 3],
  backupKeepDays: ['30', 30],
  backupKeepHourly: ['24', 24],
  backupKeepDaily: ['7', 7],
  backupKeepWeekly: ['5', 5],
  backupCompression: ['none', 'none'],
  backupKeyFile: ['/keys/backup', '/keys/backup'],
  backupBandwidth: ['10M', 10_485_760],
  backupRole: ['observer', 'observer'],
};

/** For every setting of backups: texts that must be refused. */
export const BAD_BACKUP_VALUES: { readonly [Name in keyof BackupValues]: readonly string[] } = {
  backupTarget: ['', 'backups', './backups', 'file://host/x', 's3://', 's3://Upper', 'https://bucket'],
  backupS3Endpoint: ['', 'minio:9000', 'https://user:secret@minio', 'https://minio/bucket'],
  backupS3Region: ['', 'eu central'],
  backupS3PathStyle: NOT_A_SWITCH,
  backupFullIntervalMs: [...NOT_A_TIME, '59s'],
  backupExposureMs: [...NOT_A_TIME, '199ms'],
  backupKeepCount: NOT_A_COUNT,
  backupKeepDays: NOT_A_COUNT,
  backupKeepHourly: NOT_A_COUNT,
  backupKeepDaily: NOT_A_COUNT,
  backupKeepWeekly: NOT_A_COUNT,
  backupCompression: ['', 'zstd'],
  backupKeyFile: [''],
  backupBandwidth: ['', 'x', '1', '63K', '1.5M', '10m', '-1'],
  backupRole: ['', 'leader', 'auto'],
};
