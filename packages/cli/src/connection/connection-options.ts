import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { Client } from '@headkeeper/client';
import type { Command } from 'commander';
import { CommandError, ExitCode } from '../exit-codes.ts';
import type { Credentials } from './credentials.ts';
import { parseServerList } from './server-list.ts';

/** Who a command is to a server. */
export interface ConnectionOptions {
  readonly auth?: readonly string[];
  readonly authFile?: string;
  /** A file of the client's properties. */
  readonly clientConfiguration?: string;
}

export function addConnectionOptions(command: Command): Command {
  return command
    .option(
      '--auth <scheme:auth>',
      'an identity such as digest:user:password; may be repeated',
      (value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value],
    )
    .option(
      '--auth-file <file>',
      'the same from a file, one a line, so that no password is seen in the list of processes',
    )
    .option(
      '--client-configuration <file>',
      'properties of the client, for TLS and SASL: zookeeper.client.secure, zookeeper.ssl.* and others; also taken from CLIENT_JVMFLAGS',
    );
}

/**
 * Opens a session as the options say.
 *
 * @throws CommandError when no server gives one, or an identity is refused.
 */
export async function openClient(servers: string, options: ConnectionOptions): Promise<Client> {
  const list = parseServerList(servers);
  const identities = credentialsOf(options);
  // The client is loaded by those who need one only.
  const [{ openSession }, { propertyOptions }] = await Promise.all([
    import('./open-session.ts'),
    import('./client-properties.ts'),
  ]);
  const sources = { clientConfiguration: options.clientConfiguration ?? null, properties: [] };
  const properties = await propertyOptions(sources, process.env);
  return openSession(servers, list.addresses.length, identities, properties);
}

/** The identities. @throws CommandError when one is not of the form, or the file cannot be read. */
export function credentialsOf(options: ConnectionOptions): Credentials[] {
  return identitiesOf(options).map(parseCredentials);
}

/**
 * The identities as they are written, `scheme:auth`.
 *
 * @throws CommandError when the file cannot be read.
 */
export function identitiesOf({ auth, authFile }: ConnectionOptions): string[] {
  return [...(auth ?? []), ...(authFile === undefined ? [] : readLines(authFile))];
}

/**
 * As `openClient`, for paths that are whole.
 *
 * @throws CommandError also when the connect string has a chroot.
 */
export async function openRootClient(servers: string, options: ConnectionOptions): Promise<Client> {
  const { chroot } = parseServerList(servers);
  if (chroot !== '') {
    throw new CommandError(`give the servers without the chroot ${chroot}: paths are whole here`, ExitCode.usage);
  }
  return openClient(servers, options);
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line !== '');
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${(error as Error).message}`, ExitCode.usage);
  }
}

function parseCredentials(text: string, at: number): Credentials {
  const colon = text.indexOf(':');
  // The text is not repeated: it can hold a password.
  if (colon <= 0) throw new CommandError(`identity ${at + 1} is not of the form scheme:auth`, ExitCode.usage);
  return { scheme: text.slice(0, colon), auth: text.slice(colon + 1) };
}
