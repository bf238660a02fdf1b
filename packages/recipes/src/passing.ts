import {
  type Acl,
  type CallOptions,
  type Client,
  ensurePath,
  isZooKeeperError,
  type ZooKeeperError,
} from '@headkeeper/client';

/** A lost connection, a slow answer, a busy server: all of it while the session goes on. */
const WITHIN_A_SESSION = [
  'connectionLoss',
  'sessionMoved',
  'requestTimeout',
  'operationTimeout',
  'throttledOp',
] as const;

/** Whether a request that failed so may be made again in its session: what is bound to one, such as an ephemeral. */
export function passesInSession(error: unknown): error is ZooKeeperError {
  return isZooKeeperError(error, ...WITHIN_A_SESSION, 'tooManyPending');
}

/**
 * Whether a request that failed so may be made again at once, in this session or another: what is bound to none. Limits of
 * the client itself are the caller's affair.
 */
export function passesAtServers(error: unknown): error is ZooKeeperError {
  return isZooKeeperError(error, ...WITHIN_A_SESSION, 'sessionExpired');
}

/** Whether a request that failed so may be made again after a pause, in this session or another. */
export function passesInTime(error: unknown): error is ZooKeeperError {
  return isZooKeeperError(error, ...WITHIN_A_SESSION, 'sessionExpired', 'tooManyPending');
}

/** Whether a change may have been made all the same. */
export function isDoubtful(error: unknown): error is ZooKeeperError {
  return isZooKeeperError(error) && error.outcome === 'unknown';
}

/**
 * Makes sure that a znode and all above it are there, containers unless told otherwise, whatever answers are lost on
 * the way. Servers before 3.5 know no containers: those get persistent ones.
 */
export async function ensureThere(
  client: Client,
  path: string,
  acl: readonly Acl[] | undefined,
  options: CallOptions & { readonly mode?: 'persistent' | 'container' } = {},
): Promise<void> {
  let { mode = 'container' } = options;
  for (;;) {
    try {
      await ensurePath(client, path, { ...options, mode, ...(acl === undefined ? {} : { acl }) });
      return;
    } catch (error) {
      if (mode === 'container' && isZooKeeperError(error, 'unimplemented')) mode = 'persistent';
      else if (!isDoubtful(error)) throw error;
    }
  }
}
