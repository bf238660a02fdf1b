import {
  type Acl,
  type CallOptions,
  type Client,
  ensurePath,
  isZooKeeperError,
  type ZooKeeperError,
} from '@headkeeper/client';

/**
 * Whether a request that failed so may be made again at once, in this session or another: a lost connection, an expired
 * session, an answer that took too long. Limits of the client itself are the caller's affair.
 */
export function isTransient(error: unknown): error is ZooKeeperError {
  return isZooKeeperError(
    error,
    'connectionLoss',
    'sessionExpired',
    'sessionMoved',
    'requestTimeout',
    'operationTimeout',
    'throttledOp',
  );
}

/** Whether a change may have been made all the same. */
export function isDoubtful(error: unknown): error is ZooKeeperError {
  return isZooKeeperError(error) && error.outcome === 'unknown';
}

/**
 * Makes sure that a znode and all above it are there, containers unless told otherwise, whatever answers are lost on
 * the way.
 */
export async function ensureThere(
  client: Client,
  path: string,
  acl: readonly Acl[] | undefined,
  options: CallOptions & { readonly mode?: 'persistent' | 'container' } = {},
): Promise<void> {
  for (;;) {
    try {
      await ensurePath(client, path, { mode: 'container', ...options, ...(acl === undefined ? {} : { acl }) });
      return;
    } catch (error) {
      if (!isDoubtful(error)) throw error;
    }
  }
}
