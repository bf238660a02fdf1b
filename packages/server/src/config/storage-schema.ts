import type { ConfigValues } from './config-values.ts';
import { flag, integer, type Setting, WRONG, yesOrNo } from './setting.ts';
import type { SnapshotCompression, StorageValues } from './storage-values.ts';

const INT_MIN = -2147483648;
const COMPRESSIONS: readonly SnapshotCompression[] = ['', 'gz', 'snappy'];

/** The rows of the settings of the log and the snapshots; names and defaults are Apache's where `doc` does not say otherwise. */
export const STORAGE_SETTINGS: { readonly [Name in keyof StorageValues]: Setting<StorageValues[Name], ConfigValues> } =
  {
    forceSync: yesOrNo(
      'forceSync',
      true,
      'Whether a write is acknowledged only once it is on stable storage. With no, a crash of the machine loses writes that ' +
        'clients were told are done; a crash of the process alone loses none. A warning says so at every start.',
    ),
    txnLogSizeLimitBytes: integer({
      key: 'txnLogSizeLimitInKb',
      unit: 'kilobytes',
      default: -1024,
      from: INT_MIN,
      to: 4_398_046_511_104,
      scale: 1024,
      doc: 'A log file that has grown this large is followed by another, without a snapshot; 0 or less: no limit.',
    }),
    snapshotCompression: {
      key: 'snapshot.compression.method',
      unit: '',
      default: '',
      expected: 'nothing, gz or snappy',
      read: (text) => COMPRESSIONS.find((known) => known === text) ?? WRONG,
      doc:
        'How snapshots are compressed; the name of the file ends in .gz or .snappy then. All kinds are read, whatever this ' +
        'says. What a leader sends to a server that is far behind is stored as it comes, uncompressed.',
    },
    closeSessionTxn: flag(
      'closeSessionTxn.enabled',
      true,
      'Whether the end of a session is logged with the paths of its ephemerals. Set it to false only while servers before 3.6 ' +
        'are members of the ensemble, or are to read the log.',
    ),
    fsyncWarningThresholdMs: integer({
      key: 'fsync.warningthresholdms',
      unit: 'milliseconds',
      default: 1000,
      from: 0,
      doc: 'A sync of the log that takes longer than this is warned of, and counted.',
    }),
  };
