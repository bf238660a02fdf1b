import type { BackupCompression, BackupRole, BackupValues } from './backup-values.ts';
import type { ConfigValues } from './config-values.ts';
import { choice, integer, type Setting, text, WRONG } from './setting.ts';
import { readBytes, readTime } from './units.ts';

const ROLES: readonly BackupRole[] = ['any', 'follower', 'observer'];
const COMPRESSIONS: readonly BackupCompression[] = ['gzip', 'none'];
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const LEAST_EXPOSURE_MS = 200;
const LEAST_BANDWIDTH = 65_536;

/** The rows of the settings of continuous backups; all are Headkeeper's own. */
export const BACKUP_SETTINGS: { readonly [Name in keyof BackupValues]: Setting<BackupValues[Name], ConfigValues> } = {
  backupTarget: text<string | null, ConfigValues>({
    key: 'backup.target',
    default: () => null,
    expected: 'the absolute path of a folder (/path or file:///path) or a bucket (s3://bucket/prefix)',
    pattern: /^(\/|file:\/\/\/|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/|$))/,
    doc:
      'Ours. Where this server, or one of its ensemble, puts backups. Without it there are none. Credentials of a bucket ' +
      'come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.',
  }),
  backupS3Endpoint: text<string | null, ConfigValues>({
    key: 'backup.s3.endpoint',
    default: () => null,
    expected: 'an address such as https://minio.example:9000, without a user or password',
    pattern: /^https?:\/\/[^\s/@]+\/?$/,
    doc: "Ours. Address of the S3-compatible server. By default AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, else Amazon's for the region.",
  }),
  backupS3Region: text<string | null, ConfigValues>({
    key: 'backup.s3.region',
    default: () => null,
    expected: 'the name of a region, such as eu-central-1',
    pattern: /^[a-z0-9-]+$/,
    doc: 'Ours. Region of the bucket. By default AWS_REGION or AWS_DEFAULT_REGION, else us-east-1.',
  }),
  backupS3PathStyle: {
    key: 'backup.s3.pathStyle',
    unit: '',
    default: () => null,
    expected: 'true or false',
    read: (value) => (value === 'true' ? true : value === 'false' ? false : WRONG),
    doc: 'Ours. Whether the bucket stands in the path of a request instead of its host name. By default if an endpoint is given.',
  },
  backupFullIntervalMs: time({
    key: 'backup.fullInterval',
    default: DAY_MS,
    from: MINUTE_MS,
    least: '1m',
    doc: 'Ours. Time between full backups. The log is shipped all the time in between.',
  }),
  backupExposureMs: time({
    key: 'backup.exposure',
    default: 1000,
    from: LEAST_EXPOSURE_MS,
    least: '200ms',
    doc:
      'Ours. How long a committed transaction may take to be safe in the target: what is lost at most when every server and ' +
      'disk is. Smaller values make more and smaller objects.',
  }),
  backupKeepCount: keep('backup.keep.count', 'full backups', 7, 'The newest full backups are kept, this many.'),
  backupKeepDays: keep('backup.keep.days', 'days', 0, 'Full backups that are no older are kept.'),
  backupKeepHourly: keep('backup.keep.hourly', 'hours', 0, 'The last full backup of each of so many hours is kept.'),
  backupKeepDaily: keep('backup.keep.daily', 'days', 0, 'The last full backup of each of so many days is kept.'),
  backupKeepWeekly: keep('backup.keep.weekly', 'weeks', 0, 'The last full backup of each of so many weeks is kept.'),
  backupCompression: choice(
    'backup.compression',
    COMPRESSIONS,
    'gzip',
    'Ours. How what is put into the target is compressed.',
  ),
  backupKeyFile: text<string | null, ConfigValues>({
    key: 'backup.keyFile',
    default: () => null,
    expected: 'the path of a file',
    pattern: /./,
    doc: 'Ours. File with the key that backups are encrypted with. By default they are not encrypted.',
  }),
  backupBandwidth: {
    key: 'backup.bandwidth',
    unit: 'bytes a second',
    default: 0,
    expected: 'a whole number of bytes a second, with K, M or G if wanted, from 64K; or 0 for no limit',
    read: (value) => {
      const bytes = readBytes(value);
      return bytes === WRONG || (bytes > 0 && bytes < LEAST_BANDWIDTH) ? WRONG : bytes;
    },
    doc: 'Ours. What this server puts into the target in a second at most. 0: no limit.',
  },
  backupRole: choice(
    'backup.role',
    ROLES,
    'any',
    'Ours. Roles in which this server may be the one that ships. any: in every role, but an observer is preferred to a ' +
      'follower, and a follower to the leader; follower: not while it leads; observer: only while it observes. No effect on ' +
      'a standalone server.',
  ),
};

function time(row: {
  readonly key: string;
  readonly default: number;
  readonly from: number;
  /** `from` as it is written. */
  readonly least: string;
  readonly doc: string;
}): Setting<number, ConfigValues> {
  return {
    key: row.key,
    unit: '',
    default: row.default,
    expected: `a whole number with a unit ms, s, m, h or d, at least ${row.least}`,
    read: (value) => {
      const ms = readTime(value, null);
      return ms === WRONG || ms < row.from ? WRONG : ms;
    },
    doc: row.doc,
  };
}

function keep(key: string, unit: string, fallback: number, doc: string): Setting<number, ConfigValues> {
  return integer({
    key,
    unit,
    default: fallback,
    from: 0,
    to: 100_000,
    doc: `Ours. ${doc} A full backup stays if any of the backup.keep rules keeps it; if all are 0, nothing is ever removed.`,
  });
}
