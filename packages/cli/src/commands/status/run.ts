import { CommandError, ExitCode } from '../../exit-codes.ts';
import { formatHostPort, parseHostPort } from '../../host-port.ts';
import { askFourLetter } from './four-letter.ts';

/**
 * Prints a server's answer to `srvr`.
 *
 * @throws CommandError when it cannot be reached, or answers something else than its status.
 */
export async function runStatus(text: string, timeoutMs: number): Promise<void> {
  const address = parseHostPort(text);
  const answer = await askFourLetter(address, 'srvr', timeoutMs);
  if (/^Mode: /m.test(answer)) {
    process.stdout.write(answer);
    return;
  }
  const said = answer.trim();
  const where = formatHostPort(address);
  throw new CommandError(
    said === '' ? `${where} closed the connection without an answer` : `${where} does not tell its status: ${said}`,
    ExitCode.refused,
  );
}
