import { connect } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { CommandError } from '../../exit-codes.ts';
import { formatHostPort, type HostPort } from '../../host-port.ts';

/**
 * Sends a four-letter word, by TLS if that is given, and returns all that the server answers before it closes the connection.
 *
 * @throws CommandError when the server cannot be reached or is silent for `timeoutMs`.
 */
export function askFourLetter(
  address: HostPort,
  word: string,
  timeoutMs: number,
  tls: ConnectionOptions | null = null,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const to = { host: address.host, port: address.port };
    const socket = tls === null ? connect(to) : connectTls({ ...tls, ...to });
    const fail = (why: string): void => {
      socket.destroy();
      reject(new CommandError(`cannot get an answer from ${formatHostPort(address)}: ${why}`));
    };
    socket.setTimeout(timeoutMs, () => fail(`nothing came for ${timeoutMs} ms`));
    socket.on(tls === null ? 'connect' : 'secureConnect', () => socket.end(word));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      fail(error.code === 'ECONNREFUSED' ? 'nothing listens there (connection refused)' : explain(error));
    });
    socket.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}

/** An AggregateError of several addresses has no message of its own. */
function explain(error: NodeJS.ErrnoException): string {
  return error.message === '' ? (error.code ?? 'the connection failed') : error.message;
}
