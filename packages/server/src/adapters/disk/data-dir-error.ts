export type DataDirProblem =
  | 'missing'
  | 'misplaced-files'
  | 'half-restored'
  | 'damaged-key'
  | 'damaged-mark'
  | 'damaged-myid';

/** The directories cannot be used; the message says why and what to do. */
export class DataDirError extends Error {
  readonly problem: DataDirProblem;

  constructor(problem: DataDirProblem, message: string) {
    super(message);
    this.name = 'DataDirError';
    this.problem = problem;
  }
}
