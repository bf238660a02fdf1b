import type { Command } from 'commander';
import { addRepositoryOptions, type RepositoryOptions } from '../backup/open-repository.ts';

/** Where the past is read from: a backup, or the files of a server. */
export interface SourceOptions extends RepositoryOptions {
  readonly dataDir?: string;
  readonly dataLogDir?: string;
}

export function addSourceOptions(command: Command): Command {
  return addRepositoryOptions(command)
    .option(
      '--data-dir <folder>',
      "instead of a backup a server's data directory, running or not, Apache ZooKeeper's too",
    )
    .option('--data-log-dir <folder>', 'where its logs are, if they are not there');
}
