import { type DumpedSetting, dumpConfig, type ServerConfig } from '@headkeeper/server';
import { readServerConfig } from '../server/read-config.ts';

export interface CheckConfigOptions {
  readonly define?: readonly string[];
  readonly json?: true;
}

/**
 * Reads a configuration as a server would, prints every setting with where its value comes from, and starts nothing.
 * Warnings go to standard error.
 *
 * @throws CommandError when the configuration cannot be served.
 */
export function checkConfig(words: readonly string[], options: CheckConfigOptions): void {
  const config = readServerConfig(words, options.define ?? []);
  const settings = dumpConfig(config);
  for (const warning of config.warnings) process.stderr.write(`headkeeper: warning: ${warning}\n`);
  process.stdout.write(options.json ? jsonText(config, settings) : plainText(config, settings));
}

function jsonText(config: ServerConfig, settings: readonly DumpedSetting[]): string {
  const { warnings } = config;
  return `${JSON.stringify({ file: config.file, ensemble: config.ensemble !== null, warnings, settings }, null, 2)}\n`;
}

function plainText(config: ServerConfig, settings: readonly DumpedSetting[]): string {
  const rows = settings.map(({ key, value, origin }): [string, string] => [`${key}=${value}`, origin]);
  const width = Math.min(60, Math.max(...rows.map(([text]) => text.length)));
  const kind = config.ensemble === null ? 'a standalone server' : `server ${config.ensemble.sid} of an ensemble`;
  const lines = rows.map(([text, origin]) => `${text.padEnd(width)}  ${origin}`);
  const { length } = config.warnings;
  const warned = length === 0 ? '' : `, with ${length} warning${length === 1 ? '' : 's'}`;
  return `${lines.join('\n')}\nThis configuration can be served: ${kind}${warned}.\n`;
}
