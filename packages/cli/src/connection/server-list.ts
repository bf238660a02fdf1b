import { validatePath } from '@headkeeper/protocol';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { type HostPort, parseConnectString } from '../host-port.ts';

/** What a connect string says: which servers, and below which znode everything is. */
export interface ServerList {
  readonly addresses: readonly HostPort[];
  /** Absolute path without a slash at its end; empty for none. */
  readonly chroot: string;
}

/**
 * Reads a connect string as ZooKeeper's clients take it: `host:port,host:port/chroot`.
 *
 * @throws CommandError with the exit code for wrong arguments.
 */
export function parseServerList(text: string): ServerList {
  const slash = text.indexOf('/');
  const chroot = slash < 0 ? '/' : text.slice(slash);
  const fault = validatePath(chroot);
  if (fault !== null) {
    throw new CommandError(`the chroot "${chroot}" of the connect string ${fault}`, ExitCode.usage);
  }
  return { addresses: parseConnectString(text), chroot: chroot === '/' ? '' : chroot };
}
