import process from 'node:process';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { formatHostPort, parseConnectString } from '../../host-port.ts';
import { askEnsemble } from './ensemble-report.ts';
import { askServer, type ServerReport } from './server-report.ts';
import { type StatusTlsOptions, statusTls } from './server-tls.ts';
import { formatJson, formatTable } from './table.ts';

export interface StatusOptions extends StatusTlsOptions {
  readonly timeout: number;
  readonly json?: true;
  /** Ask the one server alone. */
  readonly only?: true;
}

/**
 * Prints how the servers of a connect string are, and the others of their ensemble as far as they tell; the answer of a
 * standalone server as it is. The exit code says whether all is well.
 *
 * @throws CommandError when a single server cannot be reached, or answers something else than its status.
 */
export async function runStatus(text: string, options: StatusOptions): Promise<void> {
  const addresses = parseConnectString(text);
  const [first] = addresses;
  if (addresses.length === 1 && first !== undefined && !options.json) {
    const tls = await statusTls(options, process.env);
    const report = await askServer(first, options.timeout, tls);
    // The other members' ports may be of another kind.
    const alone = options.only || tls !== null || report.serving?.mode === 'standalone';
    if (report.serving === null) throw failure(report);
    if (alone || report.members.length <= 1) {
      process.stdout.write(report.text);
      return;
    }
  }
  const report = await askEnsemble(addresses, options.timeout);
  process.stdout.write(options.json ? formatJson(report) : formatTable(report));
  process.exitCode = report.exitCode;
}

function failure({ address, trouble, reachable }: ServerReport): CommandError {
  const where = formatHostPort(address);
  if (!reachable) return new CommandError(`cannot get an answer from ${where}: ${trouble}`);
  return new CommandError(`${where} ${trouble}`, ExitCode.refused);
}
