import type { BackupValues } from '../../config/backup-values.ts';

/** What the worker that ships is started with; it can be sent to a thread. */
export interface ShipSettings {
  readonly policy: BackupValues & { readonly backupTarget: string };
  readonly folders: ShipFolders;
  /** Variables that targets read: credentials, and the like. */
  readonly environment: Readonly<Record<string, string>>;
  /** Who ships, for manifests: such as "server 3". */
  readonly name: string;
}

/** Where the server keeps its history; absolute. */
export interface ShipFolders {
  readonly dataDir: string;
  readonly dataLogDir: string;
  readonly snapshotFolder: string;
  readonly logFolder: string;
}

/** How the shipper paces itself, in milliseconds and bytes. */
export interface ShipPace {
  /** Txns are gathered so long before they go out. */
  readonly gatherMs: number;
  /** Plain bytes of a segment at which it goes out whatever the time. */
  readonly segmentBytes: number;
  /** Time between two roundings-up of small segments. */
  readonly rollUpMs: number;
  /** The first and the longest pause after failures. */
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  /** How often an obstacle that an operator has to remove is looked at again. */
  readonly blockedRetryMs: number;
  /** How long this server may be behind the target before that counts as an obstacle. */
  readonly catchUpMs: number;
  /** How long a segment may take to be put, and how fast the rest of it has to come. */
  readonly putTimeoutMs: number;
  readonly leastBytesPerMs: number;
}

/**
 * Two fifths of the exposure go to gathering: what a piece costs, however small it is, the service feels, too. The rest is for
 * the disk, the target, and one try again, or for another server to take over.
 */
export function paceFor(exposureMs: number): ShipPace {
  return {
    gatherMs: Math.min((2 * exposureMs) / 5, 15_000),
    segmentBytes: 8 << 20,
    rollUpMs: 300_000,
    firstRetryMs: Math.min(250, exposureMs / 4),
    longestRetryMs: 30_000,
    blockedRetryMs: 15_000,
    catchUpMs: 15_000,
    putTimeoutMs: 60_000,
    leastBytesPerMs: 32,
  };
}
