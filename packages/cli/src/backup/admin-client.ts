import { CommandError, ExitCode } from '../exit-codes.ts';

/** What an AdminServer of Headkeeper or Apache ZooKeeper answers. */
export interface AdminAnswer {
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
}

const COMMANDS = 'commands/';

/** Whether the text is the address of an AdminServer, and not of a client port. */
export function isAdminAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}

/**
 * Sends a command to an AdminServer, `address` being `http://host:8080`, and returns an answer that says that it went well.
 * `auth`: `digest user:password`, or null.
 *
 * @throws CommandError naming the server and its reason; credentials are never repeated.
 */
export async function askAdmin(
  address: string,
  command: string,
  auth: string | null,
  signal: AbortSignal,
  method: 'GET' | 'POST' = 'GET',
): Promise<AdminAnswer> {
  const url = commandUrl(address, command);
  let response: Response;
  try {
    response = await fetch(url, { method, signal, headers: auth === null ? {} : { Authorization: auth } });
  } catch (error) {
    signal.throwIfAborted();
    const { cause } = error as { cause?: unknown };
    throw new CommandError(
      `cannot reach the AdminServer at ${url.origin}: ${cause instanceof Error ? cause.message : (error as Error).message}`,
    );
  }
  if (response.ok && response.body !== null) return { headers: response.headers, body: response.body };
  throw new CommandError(
    `${url.origin} refuses ${url.pathname} with ${response.status}: ${reasonOf(await response.text(), response.status)}`,
    ExitCode.refused,
  );
}

/** The fields of a JSON answer. */
export async function askAdminJson(
  address: string,
  command: string,
  auth: string | null,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await askAdmin(address, command, auth, signal);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const parsed = parsedObject(Buffer.concat(chunks).toString('utf8'));
  if (parsed === null) throw new CommandError(`${address} does not answer ${command} with JSON`, ExitCode.refused);
  return parsed;
}

/** `digest user:password` of `digest:user:password` or of itself. */
export function authorizationOf(text: string): string {
  const scheme = /^(\w+)[: ](.+)$/.exec(text);
  if (scheme === null) {
    // The text is not repeated: it can hold a password.
    throw new CommandError('the identity is not of the form digest:user:password', ExitCode.usage);
  }
  return `${scheme[1]} ${scheme[2]}`;
}

function commandUrl(address: string, command: string): URL {
  if (!URL.canParse(address)) throw new CommandError(`"${address}" is no address: http://host:8080`, ExitCode.usage);
  const base = new URL(address);
  if (base.username !== '' || base.password !== '') {
    throw new CommandError('give the credentials with --auth, not in the address', ExitCode.usage);
  }
  const folder = base.pathname === '/' ? '' : base.pathname.replace(/\/$/, '');
  return new URL(`${folder}/${folder.endsWith('/commands') ? '' : COMMANDS}${command}`, base.origin);
}

function reasonOf(text: string, status: number): string {
  const error = parsedObject(text)?.error;
  const said = typeof error === 'string' ? error : text.replace(/\s+/g, ' ').slice(0, 200);
  const hint = HINTS[status];
  if (hint === undefined) return said;
  return said === '' ? hint : `${said} (${hint})`;
}

const HINTS: Readonly<Record<number, string>> = {
  401: 'give --auth digest:user:password',
  403: 'these credentials do not suffice: ADMIN permission on / is needed',
  404: 'it does not know this command',
  429: 'it was asked too recently',
};

function parsedObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
