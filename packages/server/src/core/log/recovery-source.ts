export interface SnapshotFile {
  readonly name: string;
  /** From the name. */
  readonly zxid: number;
  readonly compression: '' | 'gz' | 'snappy';
}

export interface LogFile {
  readonly name: string;
  /** From the name. */
  readonly zxid: number;
  /** Bytes. */
  readonly size: number;
}

/** The files of a data directory, read synchronously. Chunks need stay valid only during the call. */
export interface RecoverySource {
  /** In any order. */
  snapshots(): readonly SnapshotFile[];
  /** `passesQuickCheck` for the file. */
  quickCheck(name: string): boolean;
  /** The uncompressed contents. Throws SnapshotDamaged when they cannot be uncompressed, other errors for a failing disk. */
  readSnapshot(name: string, onChunk: (bytes: Uint8Array) => void): void;
  /** In any order. */
  logs(): readonly LogFile[];
  readLog(name: string, onChunk: (bytes: Uint8Array) => void): void;
}
