import type { Command } from 'commander';
import { addRepositoryOptions, type RepositoryOptions } from '../backup/open-repository.ts';

/** Where the past is read from: a backup, the files of a server, or both. */
export interface SourceOptions extends RepositoryOptions {
  readonly dataDir?: string;
  readonly dataLogDir?: string;
}

export function addSourceOptions(command: Command): Command {
  return addRepositoryOptions(command)
    .option(
      '--data-dir <folder>',
      "a server's data directory, running or not, Apache ZooKeeper's too; with a backup: for what that does not hold",
    )
    .option('--data-log-dir <folder>', 'where its logs are, if they are not there');
}
