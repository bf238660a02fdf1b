import process from 'node:process';
import { createInterface } from 'node:readline';
import { propertyOptions } from '../connection/client-properties.ts';
import { credentialsOf } from '../connection/connection-options.ts';
import { parseServerList } from '../connection/server-list.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { ProcessOutput } from './output.ts';
import { Shell } from './shell.ts';
import { parseStartOptions, SHELL_USAGE, type StartOptions } from './start-options.ts';

/**
 * Runs the shell: one command, the lines of a pipe, or a terminal's; sets the exit code.
 *
 * @param words the arguments after `shell`.
 * @throws CommandError for wrong arguments, and when there has to be a session and is none.
 */
export async function runShell(words: readonly string[]): Promise<void> {
  const options = parseStartOptions(words);
  if (options === null) {
    process.stdout.write(SHELL_USAGE);
    return;
  }
  parseServerList(options.server);
  const output = new ProcessOutput();
  const shell = new Shell({
    servers: options.server,
    client: {
      ...(await propertyOptions(options, process.env)),
      sessionTimeoutMs: options.timeoutMs,
      readOnly: options.readOnly,
      auth: options.authFiles.length + options.auth.length === 0 ? [] : identitiesOf(options),
    },
    output,
    isJson: options.json,
    isQuiet: options.quiet,
  });
  shell.start();
  shell.open();
  try {
    if (options.waitForConnection) await waitForConnection(shell, options.timeoutMs);
    if (options.command !== null) await oneShot(shell, options.command);
    else if (process.stdin.isTTY === true && process.stdout.isTTY === true) {
      // Before anything is waited for: what the connection says comes below it.
      output.out(`Welcome to the Headkeeper shell! Type ${output.paint('cyan', 'help')} for the commands.`);
      const { prompt } = await import('./prompt.ts');
      await prompt(shell, output);
    } else {
      if (!options.json && !options.quiet) output.out('Welcome to the Headkeeper shell!');
      await pipe(shell);
    }
  } finally {
    await shell.end();
  }
  process.exitCode = shell.exitCode;
}

function identitiesOf({ auth, authFiles }: StartOptions): ReturnType<typeof credentialsOf> {
  return [...credentialsOf({ auth }), ...authFiles.flatMap((authFile) => credentialsOf({ authFile }))];
}

async function oneShot(shell: Shell, words: readonly string[]): Promise<void> {
  const interrupt = (): void => shell.interrupt();
  process.on('SIGINT', interrupt);
  await shell.words(words);
  process.off('SIGINT', interrupt);
}

async function pipe(shell: Shell): Promise<void> {
  for await (const line of createInterface({ input: process.stdin, terminal: false })) {
    await shell.line(line);
    if (shell.hasQuit) return;
  }
}

async function waitForConnection(shell: Shell, timeoutMs: number): Promise<void> {
  try {
    await shell.connection.client(AbortSignal.timeout(timeoutMs));
  } catch {
    const why = shell.connection.failures.join('; ') || 'no server answered';
    throw new CommandError(`no session within ${timeoutMs} ms: ${why}`, ExitCode.failed);
  }
}
