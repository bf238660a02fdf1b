import type { RepositoryOptions } from '../../backup/open-repository.ts';
import type { ConnectionOptions } from '../../connection/connection-options.ts';

export interface RestoreOptions extends RepositoryOptions, ConnectionOptions {
  readonly to?: string;
  readonly toZxid?: string;
  readonly toTime?: string;
  readonly before?: string;
  readonly dataDir?: string;
  readonly dataLogDir?: string;
  readonly servers?: readonly number[];
  /** False: `--no-bump-epoch`. */
  readonly bumpEpoch?: number | boolean;
  readonly dryRun?: true;
  readonly json?: true;
  /** One subtree of a running server; the rest is for this alone. */
  readonly path?: string;
  readonly server?: string;
  readonly fromDataDir?: string;
  readonly fromDataLogDir?: string;
  readonly yes?: true;
}
