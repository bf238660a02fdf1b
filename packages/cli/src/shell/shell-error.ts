import { type Client, isZooKeeperError, type ZooKeeperErrorCode } from '@headkeeper/client';
import { validatePath } from '@headkeeper/protocol';

/** Exit codes of the shell, Apache's: the last command's in a pipe. */
export const ShellExit = { done: 0, failed: 1, unknownCommand: 127 } as const;

/** A command of the shell that cannot be done; the message is for people. */
export class ShellError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = ShellExit.failed) {
    super(message);
    this.name = 'ShellError';
    this.exitCode = exitCode;
  }
}

/** Sentences that scripts look for, each followed by the path. */
const SENTENCES: Partial<Record<ZooKeeperErrorCode, string>> = {
  noNode: 'Node does not exist: ',
  noChildrenForEphemerals: 'Ephemerals cannot have children: ',
  nodeExists: 'Node already exists: ',
  notEmpty: 'Node not empty: ',
  notReadOnly: 'Not a read-only call: ',
  noAuth: 'Insufficient permission : ',
  badArguments: 'Arguments are not valid : ',
  badVersion: 'version No is not valid : ',
  quotaExceeded: 'Quota has exceeded : ',
};

const WHOLE_SENTENCES: Partial<Record<ZooKeeperErrorCode, string>> = {
  invalidACL: 'Acl is not valid : null',
  reconfigInProgress: 'Another reconfiguration is in progress -- concurrent reconfigs not supported (yet)',
  newConfigNoQuorum:
    'No quorum of new config is connected and up-to-date with the leader of last commmitted config - try invoking ' +
    'reconfiguration after new servers are connected and synced',
};

/** Apache's names of those codes whose name is not ours with a capital letter. */
const CODE_NAMES: Partial<Record<ZooKeeperErrorCode, string>> = {
  apiError: 'APIError',
  sessionExpired: 'Session expired',
  sessionMoved: 'Session moved',
  ephemeralOnLocalSession: 'Ephemeral node on local session',
  noWatcher: 'No such watcher',
  requestTimeout: 'Request timeout',
  reconfigDisabled: 'Reconfig is disabled',
  sessionClosedRequireSaslAuth: 'Session closed because client failed to authenticate',
  throttledOp: 'Request throttled',
};

/** What to tell people of something a command has thrown: Apache's words where it has some. */
export function explain(error: unknown): string {
  if (!isZooKeeperError(error)) return error instanceof Error ? error.message : String(error);
  const { code, path } = error;
  const doubt = error.outcome === 'unknown' ? '\nIt may have been applied: look at the znodes.' : '';
  if (code === 'invalidArgument') return pathFault(path) ?? error.message;
  const sentence = SENTENCES[code];
  if (sentence !== undefined) return `${sentence}${path}`;
  return (WHOLE_SENTENCES[code] ?? keeperErrorCode(code, path)) + doubt;
}

/** `KeeperErrorCode = NoNode for /path`. */
export function keeperErrorCode(code: ZooKeeperErrorCode, path: string | null): string {
  const name = CODE_NAMES[code] ?? code.charAt(0).toUpperCase() + code.slice(1);
  return `KeeperErrorCode = ${name}${path === null ? '' : ` for ${path}`}`;
}

/** What is wrong with a path; null for nothing. */
export function pathFault(path: string | null): string | null {
  const fault = path === null ? null : validatePath(path);
  if (path !== null && path.length > 1 && path.startsWith('/') && path.endsWith('/')) {
    return 'Path must not end with / character';
  }
  switch (fault) {
    case null:
      return null;
    case 'does not start with /':
      return 'Path must start with / character';
    case 'is null or empty':
      return 'Path length must be > 0';
    default:
      return `Invalid path string "${path}" caused by: it ${fault}`;
  }
}

/** @throws ShellError when it is no path. */
export function requireZnodePath(path: string): string {
  const fault = pathFault(path);
  if (fault !== null) throw new ShellError(fault);
  return path;
}

/** @throws ShellError when the znode is not there. */
export async function requireZnode(client: Client, path: string, signal: AbortSignal): Promise<void> {
  if ((await client.exists(requireZnodePath(path), { signal })) === null) {
    throw new ShellError(`Node does not exist: ${path}`);
  }
}
