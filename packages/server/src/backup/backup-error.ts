/** Why a backup cannot be used as asked. */
export type BackupProblem =
  /** The target holds no backup. */
  | 'no-backup'
  /** It was made by a release that writes a format unknown here. */
  | 'newer-format'
  /** The key is not the one that the backup was made with. */
  | 'wrong-key'
  /** The backup is encrypted and no key was given. */
  | 'key-needed'
  /** A key was given for a backup that is not encrypted. */
  | 'not-encrypted'
  /** An object is missing, cut short or changed, or two of them contradict each other. */
  | 'damaged'
  /** Txns between the newest usable full backup and the wanted zxid are missing. */
  | 'gap'
  /** The wanted zxid or time is not in the backup. */
  | 'not-covered'
  /** What was to be kept is not what a backup may hold. */
  | 'unfit';

/** A backup cannot be used as asked. The message says what was found, in which object, and what to do. */
export class BackupError extends Error {
  readonly problem: BackupProblem;
  /** Name of the object in the target that is at fault; null when it is none, or not a single one. */
  readonly object: string | null;

  constructor(problem: BackupProblem, object: string | null, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'BackupError';
    this.problem = problem;
    this.object = object;
  }
}
