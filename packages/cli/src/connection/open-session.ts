import { type Client, connect, ZooKeeperError } from '@headkeeper/client';
import { CommandError, ExitCode } from '../exit-codes.ts';
import type { PropertyOptions } from './client-properties.ts';
import type { Credentials } from './credentials.ts';

const SESSION_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens a session for a command, with the first server that gives one; a command has one session, and fails with it.
 *
 * @param properties TLS, SASL and bounds of the client.
 * @param count how many servers the connect string names: when each has failed once, it is over.
 * @throws CommandError that tells what each server said, or that an identity was refused.
 */
export async function openSession(
  servers: string,
  count: number,
  identities: readonly Credentials[],
  properties: PropertyOptions = {},
  connectTimeoutMs: number = CONNECT_TIMEOUT_MS,
): Promise<Client> {
  const troubles = new Map<string, string>();
  const allFailed = new AbortController();
  const debug = (facts: object): void => {
    const { server, reason } = facts as { readonly server?: unknown; readonly reason?: unknown };
    if (typeof server !== 'string' || typeof reason !== 'string') return;
    troubles.set(server, reason);
    if (troubles.size >= count) allFailed.abort();
  };
  try {
    const client = await connect(servers, {
      ...properties,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectTimeoutMs,
      auth: identities,
      onSessionExpired: 'close',
      signal: allFailed.signal,
      log: { debug },
    });
    await requireIdentities(client, identities);
    return client;
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || error.code === 'invalidArgument') throw error;
    if (error.code === 'authFailed') throw refused(identities);
    const said = [...troubles].map(([server, reason]) => (reason.startsWith(server) ? reason : `${server}: ${reason}`));
    throw new CommandError(`no server gives a session: ${said.join('; ') || error.message}`);
  }
}

/** A server answers in order: once it has answered this, it has taken the identities. */
async function requireIdentities(client: Client, identities: readonly Credentials[]): Promise<void> {
  if (identities.length === 0) return;
  try {
    await client.exists('/');
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** The password is not repeated. */
function refused(identities: readonly Credentials[]): CommandError {
  const schemes = [...new Set(identities.map(({ scheme }) => `"${scheme}"`))].join(' or ');
  return new CommandError(`the identity of scheme ${schemes} was refused: authFailed`, ExitCode.usage);
}
