import { readFileSync } from 'node:fs';
import { ConfigError, parseServerConfig, type ServerConfig } from '@headkeeper/server';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { DataDirHistory } from './data-dir-history.ts';
import type { HistorySource } from './history-source.ts';
import type { SourceOptions } from './source-options.ts';

/**
 * Opens the past that the options name.
 *
 * @throws CommandError when they name none or two, or it cannot be opened.
 */
export async function openHistory(options: SourceOptions): Promise<HistorySource> {
  const named = [options.config, options.target, options.dataDir].filter((name) => name !== undefined);
  if (named.length !== 1) {
    throw new CommandError(
      'say where the past is: one of --config zoo.cfg, --target URL of a backup, --data-dir FOLDER',
      ExitCode.usage,
    );
  }
  if (options.dataDir !== undefined) {
    return new DataDirHistory(options.dataDir, options.dataLogDir ?? options.dataDir);
  }
  const config = readConfig(options.config as string);
  return new DataDirHistory(config.dataDir, config.dataLogDir);
}

function readConfig(file: string): ServerConfig {
  try {
    return parseServerConfig(readFileSync(file, 'utf8'), { file, properties: [] });
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(error.message, ExitCode.usage);
    throw new CommandError(`cannot read ${file}: ${(error as Error).message}`, ExitCode.usage);
  }
}
