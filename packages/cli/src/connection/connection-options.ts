import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { parseServerList } from './server-list.ts';
import { type Credentials, ZnodeClient } from './znode-client.ts';

/** Who a command is to a server. */
export interface ConnectionOptions {
  readonly auth?: readonly string[];
  readonly authFile?: string;
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
    );
}

/**
 * Opens a session as the options say.
 *
 * @throws CommandError when no server gives one, or an identity is refused.
 */
export function openClient(servers: string, options: ConnectionOptions): Promise<ZnodeClient> {
  return ZnodeClient.open(parseServerList(servers), identitiesOf(options).map(parseCredentials));
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
export async function openRootClient(servers: string, options: ConnectionOptions): Promise<ZnodeClient> {
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
