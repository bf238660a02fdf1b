import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  ConfigError,
  defaultServerConfig,
  parseServerConfig,
  propertiesFromEnvironment,
  propertyFromOption,
  type ServerConfig,
  type SystemProperty,
} from '@headkeeper/server';
import { CommandError, ExitCode } from '../../exit-codes.ts';

/** Where the data goes when no configuration says. */
const DEFAULT_DATA_DIR: string = path.join('.', 'data');
/** What the words of an invocation without a file stand for, in their order. */
const WORD_KEYS: readonly string[] = ['clientPort', 'dataDir', 'tickTime', 'maxClientCnxns'];

/**
 * Reads the configuration of a server: of a file, of the default when there is none, or of the words that Apache's server
 * takes in the place of a file (`PORT DATADIR [TICKTIME] [MAXCNXNS]`); with the properties of the environment, and with
 * `definitions`, the `key=value` of the command line.
 *
 * @throws CommandError when it cannot be read or served.
 */
export function readServerConfig(words: readonly string[], definitions: readonly string[]): ServerConfig {
  try {
    return parseConfigOf(words, definitions);
  } catch (error) {
    throw error instanceof ConfigError ? unservable(error) : error;
  }
}

/** As `readServerConfig`; throws ConfigError when the configuration cannot be read or served. */
export function parseConfigOf(words: readonly string[], definitions: readonly string[]): ServerConfig {
  const properties = [
    ...propertiesFromEnvironment(process.env),
    ...definitions.map((text) => propertyFromOption(text)),
  ];
  const [file] = words;
  if (file === undefined) return defaultServerConfig(DEFAULT_DATA_DIR, properties);
  if (words.length === 1) return parseServerConfig(readText(file), { file, properties });
  return parseServerConfig('', { file: null, properties: [...propertiesOfWords(words), ...properties] });
}

/** The error of a configuration that cannot be served, with everything that is wrong in it. */
export function unservable(error: ConfigError): CommandError {
  return new CommandError(`the configuration cannot be served:\n  ${error.problems.join('\n  ')}`, ExitCode.usage);
}

function propertiesOfWords(words: readonly string[]): SystemProperty[] {
  if (words.length > WORD_KEYS.length) {
    throw new CommandError(
      `expected a configuration file, or a port, a data directory, a tickTime and a limit of connections at most; ` +
        `got ${words.length} words`,
      ExitCode.usage,
    );
  }
  const origin = 'the command line';
  return words.map((value, i) => ({ name: WORD_KEYS[i] as string, value, origin, overridesFile: true }));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`cannot read the configuration: ${(error as Error).message}`]);
  }
}
