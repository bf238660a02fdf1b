/**
 * Exit codes of the command; docs/reference/exit-codes.md explains them. Those up to 19 are Apache ZooKeeper's where it has
 * one for the case. A server that ends because something failed gives the code that the server package names.
 */
export const ExitCode = {
  done: 0,
  /** Anything unforeseen; a server that cannot be reached. */
  failed: 1,
  /** Wrong arguments, or a configuration that cannot be served. */
  usage: 2,
  /** A data directory cannot be used: it is in use, not empty, or damaged. */
  dataDirectory: 3,
  /** The disk failed, or is full. */
  disk: 10,
  /** The server answered, but not with its status. */
  refused: 20,
  /** A file is damaged. */
  damaged: 21,
  /** Requests of a load were answered with errors. */
  loadErrors: 22,
  /** The ensemble serves, but something is wrong with it. */
  degraded: 23,
  /** No server leads: the ensemble takes no writes. */
  leaderless: 24,
  /** Two states that were compared are not the same. */
  different: 30,
  /** Znodes changed on the server while they were being written; nothing that changed was overwritten. */
  changedMeanwhile: 31,
  /** Znodes that were to be created exist already. */
  conflict: 32,
  /** The target of a backup cannot be reached, or refuses. */
  target: 40,
  /** A backup cannot be used: there is none, it is damaged or of a newer format, or the key is wrong. */
  backup: 41,
  /** The backup does not hold what is asked for. */
  notCovered: 42,
  /** The backup is behind, or nobody makes one. */
  behind: 43,
  /** Ctrl-C. */
  interrupted: 130,
  /** Nothing was changed, because nobody confirmed it. */
  unconfirmed: 50,
  /** A repair would destroy something, or cannot do what was asked. */
  repairRefused: 51,
  /** Something is wrong with a data directory, and a start copes with it. */
  flawed: 52,
} as const;

/** Ends a command with a message for people and an exit code. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = ExitCode.failed) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}
