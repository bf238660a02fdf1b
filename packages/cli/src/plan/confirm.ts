import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { CommandError, ExitCode } from '../exit-codes.ts';

/**
 * Asks on the terminal whether to go on; only `yes` or `y` does.
 *
 * @throws CommandError where there is no terminal to ask on.
 */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new CommandError(
      'there is no terminal to ask on: say --yes to go on, or --dry-run to look only',
      ExitCode.usage,
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
