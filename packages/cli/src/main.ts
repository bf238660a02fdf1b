import type { ZooKeeperError } from '@headkeeper/client';
import { CommandError, ExitCode } from './exit-codes.ts';

/**
 * Runs the command line and sets the exit code of the process. What a command needs is loaded when it runs, so that the
 * quick ones are quick.
 *
 * @param words the arguments after the program's name.
 */
export async function run(words: readonly string[]): Promise<void> {
  // `headkeeper inspect ... | head` is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? ExitCode.done : ExitCode.failed);
  });
  try {
    if (words[0] === 'shell') {
      // It has options with one dash, as Apache's has, and is to be quick.
      const { runShell } = await import('./shell/run.ts');
      await runShell(words.slice(1));
      return;
    }
    const { runProgram } = await import('./program.ts');
    await runProgram(words);
  } catch (error) {
    if (error instanceof CommandError) {
      process.stderr.write(`headkeeper: ${error.message}\n`);
      process.exitCode = error.exitCode;
    } else if (error instanceof Error && error.name === 'ZooKeeperError') {
      const { requestText } = await import('./connection/request-text.ts');
      process.stderr.write(`headkeeper: ${requestText(error as ZooKeeperError)}\n`);
      process.exitCode = ExitCode.failed;
    } else {
      process.stderr.write(`headkeeper: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exitCode = ExitCode.failed;
    }
  }
}
