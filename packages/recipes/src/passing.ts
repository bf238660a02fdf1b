import { isZooKeeperError, type ZooKeeperError } from '@headkeeper/client';

/** Whether an error says that the request may do better later: a lost connection, an answer that took too long. */
export function isPassing(error: unknown): error is ZooKeeperError {
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
