import { closeSync, openSync, watchFile } from 'node:fs';
import path from 'node:path';
import { ConfigError, type ReloadReport, type ServerConfig, startServer } from '@headkeeper/server';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { formatHostPort } from '../../host-port.ts';
import { packageVersion } from '../../version.ts';
import { notifyReady } from './notify.ts';
import { parseConfigOf, readServerConfig, unservable } from './read-config.ts';

/** How often a file that is watched is looked at: its state is asked for, which sees links that are turned around, too. */
const WATCH_MS = 2000;

/**
 * Serves until a signal or a fatal failure, then ends the process: with 0 after a signal, else with the failure's code.
 *
 * @throws CommandError when the configuration is wrong or the server cannot start.
 */
export async function runServer(words: readonly string[], definitions: readonly string[]): Promise<void> {
  const config = readServerConfig(words, definitions);
  for (const warning of config.warnings) process.stderr.write(`headkeeper: warning: ${warning}\n`);
  const readConfig = (): ServerConfig => parseConfigOf(words, definitions);
  const server = await startServer(config, { readConfig }).catch((error: unknown) => {
    throw explained(error);
  });

  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(ExitCode.failed);
    stopping = true;
    process.stderr.write(`headkeeper: ${signal}: stopping; a second signal ends at once\n`);
    server.stop().then(
      () => process.exit(ExitCode.done),
      (error: unknown) => {
        process.stderr.write(`headkeeper: could not stop cleanly: ${String(error)}\n`);
        process.exit(ExitCode.failed);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('SIGUSR2', () => server.transfer());
  const reload = (): void => tellReload(server.reload());
  const atTerminal = process.stdin.isTTY === true;
  process.on('SIGHUP', (signal) => (atTerminal && !hasTerminal() ? stop(signal) : reload()));
  if (config.file !== null && config.configWatch) watchFile(config.file, { interval: WATCH_MS }, reload);

  notifyReady(process.env);
  process.stdout.write(greeting(config, formatHostPort(server.address)));

  const fatal = await server.failed;
  process.stderr.write(`headkeeper: ${fatal.message}\n`);
  process.exit(fatal.exitCode);
}

/** A terminal that is closed sends SIGHUP, too, and means that its server is to end. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

function tellReload({ problems, applied, needsRestart, readAnew }: ReloadReport): void {
  const lines =
    problems.length > 0
      ? [`the configuration is not reloaded, nothing has changed:\n  ${problems.join('\n  ')}`]
      : [
          ...applied.map(({ key, from, to }) => `reloaded: ${key}: ${from || 'none'} -> ${to || 'none'}`),
          ...needsRestart.map(({ key, to }) => `${key}=${to} counts only after a restart`),
          ...readAnew.map((what) => `reloaded: ${what}`),
        ];
  if (lines.length === 0) lines.push('reloaded: nothing has changed');
  for (const line of lines) process.stderr.write(`headkeeper: ${line}\n`);
}

/** Failures to start that need no stack. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof ConfigError) return unservable(error);
  const { exitCode } = error as { exitCode?: unknown };
  if (typeof exitCode === 'number') return new CommandError(error.message, exitCode);
  // What the operating system refused: a port that is taken, a folder that may not be written.
  return (error as NodeJS.ErrnoException).syscall === undefined
    ? error
    : new CommandError(`cannot start: ${error.message}`);
}

function greeting(config: ServerConfig, address: string): string {
  const { ensemble } = config;
  const who =
    ensemble === null ? '' : `, server ${ensemble.sid} of an ensemble of ${ensemble.membership.members.size},`;
  return [
    `Headkeeper ${packageVersion()}${who} serves ZooKeeper clients on ${address}, data in ${path.resolve(config.dataDir)}.`,
    ...(config.clientPort < 0
      ? [`  headkeeper status --tls-of ${config.file} ${address}`]
      : [`  zkCli.sh -server ${address}`, `  headkeeper status ${address}`]),
    'Ctrl-C stops it.',
    '',
  ].join('\n');
}
