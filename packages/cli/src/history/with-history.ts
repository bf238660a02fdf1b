import { readConfig, withBackup } from '../backup/open-repository.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { BackupHistory } from './backup-history.ts';
import { CombinedHistory } from './combined-history.ts';
import { DataDirHistory } from './data-dir-history.ts';
import type { HistorySource } from './history-source.ts';
import type { SourceOptions } from './source-options.ts';

/**
 * Opens the past that the options name, and runs the work on it. A configuration without a backup stands for the data
 * directory that it names. A backup and a data directory stand for what both hold together.
 *
 * @throws CommandError when they name none, or it cannot be read.
 */
export async function withHistory<T>(options: SourceOptions, work: (source: HistorySource) => Promise<T>): Promise<T> {
  const { dataDir, dataLogDir, config, target } = options;
  const directory = dataDir === undefined ? null : new DataDirHistory(dataDir, dataLogDir ?? dataDir);
  if (directory !== null && config === undefined && target === undefined) return work(directory);
  if (config === undefined && target === undefined) {
    throw new CommandError(
      'say where the past is: --config zoo.cfg, --target with the URL of a backup, or --data-dir with a folder',
      ExitCode.usage,
    );
  }
  if (config !== undefined && target === undefined) {
    const server = readConfig(config);
    if (server.backupTarget === null) {
      return work(directory ?? new DataDirHistory(server.dataDir, server.dataLogDir));
    }
  }
  return withBackup(options, false, async (backup) => {
    const history = await BackupHistory.open(backup);
    return work(directory === null ? history : new CombinedHistory(history, directory));
  });
}
