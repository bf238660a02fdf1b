/**
 * Why a state was not put in the place of this server's, which is what it was before:
 *
 * - `unusable`: the state that was given is damaged, or none.
 * - `elsewhere`: this server cannot do it now; another one can, or this one later.
 * - `room`: the disk has not enough room.
 * - `overtaken`: the ensemble went on without it.
 */
export type StateRestoreProblem = 'unusable' | 'elsewhere' | 'room' | 'overtaken';

export class RestoreFailure extends Error {
  readonly problem: StateRestoreProblem;

  constructor(problem: StateRestoreProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'RestoreFailure';
    this.problem = problem;
  }
}
