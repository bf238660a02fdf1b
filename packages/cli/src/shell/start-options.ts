import type { PropertySources } from '../connection/client-properties.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';

/** What the shell is started with. */
export interface StartOptions extends PropertySources {
  /** Connect string. */
  readonly server: string;
  /** Session timeout, milliseconds. */
  readonly timeoutMs: number;
  /** Whether a server without a quorum will do. */
  readonly readOnly: boolean;
  /** Whether to wait for the session, and fail without one, before anything else. */
  readonly waitForConnection: boolean;
  /** Identities, `scheme:auth`, and files of such. */
  readonly auth: readonly string[];
  readonly authFiles: readonly string[];
  readonly json: boolean;
  /** Whether to leave out what Apache's shell says about the connection. */
  readonly quiet: boolean;
  /** The one command to run, with its words; null: read them. */
  readonly command: readonly string[] | null;
}

export const SHELL_USAGE = `Usage: headkeeper shell [options] [command and its words]

Apache ZooKeeper's shell with more in it: reads commands from the terminal or a pipe, or runs the one that is given.

  -server host:port[,...][/chroot]   the servers; localhost:2181 unless given
  -timeout ms                        session timeout; 30000 unless given
  -r                                 a server without a quorum will do, for reading
  -client-configuration file         properties of the client: zookeeper.client.secure, zookeeper.ssl.* and others
  -Dname=value                       one such property; also read from CLIENT_JVMFLAGS and JVMFLAGS
  -waitforconnection                 wait for the session first, and fail without one
  --auth scheme:auth                 an identity, such as digest:user:password; may be repeated
  --auth-file file                   the same from a file, one a line, so that no password is seen among the processes
  --json                             results, errors and watch events as JSON, one object a line
  --quiet                            say nothing about the connection
  --help                             print this

Exit codes: 0 done, 1 the (last) command failed, 2 wrong options, 127 there is no such command.
`;

const TAKES_VALUE: ReadonlySet<string> = new Set(['server', 'timeout', 'client-configuration', 'auth', 'auth-file']);

/** Reads the words after `shell`; null: help is wanted. @throws CommandError for wrong arguments. */
export function parseStartOptions(words: readonly string[]): StartOptions | null {
  const values: Record<string, string[]> = {};
  const flags = new Set<string>();
  const properties: string[] = [];
  let at = 0;
  while (at < words.length && (words[at] as string).startsWith('-')) {
    const word = words[at++] as string;
    if (word.startsWith('-D')) {
      properties.push(word.slice(2));
      continue;
    }
    const name = word.replace(/^--?/, '');
    if (TAKES_VALUE.has(name)) {
      const value = words[at++];
      if (value === undefined) throw usage(`no argument found for option ${word}`);
      values[name] = [...(values[name] ?? []), value];
    } else if (['r', 'waitforconnection', 'json', 'quiet'].includes(name)) flags.add(name);
    else if (['h', 'help'].includes(name)) return null;
    else throw usage(`there is no option ${word}; see headkeeper shell --help`);
  }
  return {
    server: values.server?.at(-1) ?? 'localhost:2181',
    timeoutMs: timeoutOf(values.timeout?.at(-1) ?? '30000'),
    readOnly: flags.has('r'),
    clientConfiguration: values['client-configuration']?.at(-1) ?? null,
    properties,
    waitForConnection: flags.has('waitforconnection'),
    auth: values.auth ?? [],
    authFiles: values['auth-file'] ?? [],
    json: flags.has('json'),
    quiet: flags.has('quiet'),
    command: at < words.length ? words.slice(at) : null,
  };
}

function timeoutOf(text: string): number {
  const ms = Number(text);
  if (!/^\d{1,10}$/.test(text) || ms === 0 || ms > 0x7fffffff) {
    throw usage(`-timeout has to be a whole number of milliseconds above 0, not "${text}"`);
  }
  return ms;
}

function usage(message: string): CommandError {
  return new CommandError(message, ExitCode.usage);
}
