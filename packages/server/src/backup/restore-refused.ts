/** Why a restore was not done, or came to nothing. */
export type RestoreProblem =
  /** The directory holds something that a restore would destroy or mix with. */
  | 'not-empty'
  /** A server holds the directory. */
  | 'in-use'
  /** `myid` names another server than the one that is asked for. */
  | 'wrong-myid'
  /** The disk took not all of it. */
  | 'disk'
  /** The new epoch is beyond what zxids can hold, or not above the epochs of the backup. */
  | 'epoch'
  /** No change of the backup is the one that was asked for. */
  | 'no-such-change';

/** A restore was not done. No directory is changed, or what was begun is removed. The message says what to do. */
export class RestoreRefused extends Error {
  readonly problem: RestoreProblem;

  constructor(problem: RestoreProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'RestoreRefused';
    this.problem = problem;
  }
}
