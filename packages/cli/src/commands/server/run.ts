import path from 'node:path';
import { ConfigError, type ServerConfig, startServer } from '@headkeeper/server';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { formatHostPort } from '../../host-port.ts';
import { packageVersion } from '../../version.ts';
import { readServerConfig, unservable } from './read-config.ts';

/**
 * Serves until a signal or a fatal failure, then ends the process: with 0 after a signal, else with the failure's code.
 *
 * @throws CommandError when the configuration is wrong or the server cannot start.
 */
export async function runServer(words: readonly string[], definitions: readonly string[]): Promise<void> {
  const config = readServerConfig(words, definitions);
  for (const warning of config.warnings) process.stderr.write(`headkeeper: warning: ${warning}\n`);
  const server = await startServer(config).catch((error: unknown) => {
    throw explained(error);
  });
  process.stdout.write(greeting(config, formatHostPort(server.address)));

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

  const fatal = await server.failed;
  process.stderr.write(`headkeeper: ${fatal.message}\n`);
  process.exit(fatal.exitCode);
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
    `  zkCli.sh -server ${address}`,
    `  headkeeper status ${address}`,
    'Ctrl-C stops it.',
    '',
  ].join('\n');
}
