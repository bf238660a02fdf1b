import { connect } from 'node:net';
import { CommandError } from '../../exit-codes.ts';
import { formatHostPort, type HostPort } from '../../host-port.ts';

/**
 * Sends a four-letter word and returns all that the server answers before it closes the connection.
 *
 * @throws CommandError when the server cannot be reached or is silent for `timeoutMs`.
 */
export function askFourLetter(address: HostPort, word: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: address.host, port: address.port });
    const fail = (why: string): void => {
      socket.destroy();
      reject(new CommandError(`cannot get an answer from ${formatHostPort(address)}: ${why}`));
    };
    socket.setTimeout(timeoutMs, () => fail(`nothing came for ${timeoutMs} ms`));
    socket.on('connect', () => socket.end(word));
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
