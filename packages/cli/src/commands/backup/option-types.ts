import type { RepositoryOptions } from '../../backup/open-repository.ts';

export interface NowOptions extends RepositoryOptions {
  readonly dataDir?: string;
  readonly dataLogDir?: string;
  /** Address of an AdminServer. */
  readonly server?: string;
  readonly auth?: string;
  readonly authFile?: string;
  readonly json?: true;
}

export interface ListOptions extends RepositoryOptions {
  readonly json?: true;
}

export interface PruneCommandOptions extends RepositoryOptions {
  readonly keepCount?: number;
  readonly keepDays?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly yes?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export interface StatusOptions extends RepositoryOptions {
  /** An AdminServer, http://host:8080, or a client port, host:2181. */
  readonly server?: string;
  /** Milliseconds. */
  readonly maxLag?: number;
  readonly json?: true;
}
