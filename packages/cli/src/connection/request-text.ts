import type { ZooKeeperError, ZooKeeperErrorCode } from '@headkeeper/client';

/** What people can do about the errors whose names do not say it. */
const EXPLANATIONS: Partial<Record<ZooKeeperErrorCode, string>> = {
  noNode: 'there is no such znode',
  noAuth: 'its access control list does not allow that; give an identity that it does allow with --auth',
  badVersion: 'it was changed meanwhile',
  nodeExists: 'there is such a znode already',
  notEmpty: 'it has children',
  noChildrenForEphemerals: 'its parent is an ephemeral, which can have no children',
  invalidACL: 'the server does not accept its access control list: a scheme is unknown to it, or the list empty',
  unimplemented: 'the server does not support that; TTL znodes need zookeeper.extendedTypesEnabled=true',
  quotaExceeded: 'a quota would be exceeded',
  authFailed: 'the server does not accept the identity given with --auth',
  notReadOnly: 'the server is in read-only mode: it has no quorum',
  sessionExpired: 'the session has expired',
  throttledOp: 'the server has too much to do and refused the request',
  connectionLoss: 'the connection was lost',
  requestTimeout: 'no server has answered',
};

/** What the commands tell people of a request that failed. */
export function requestText(error: ZooKeeperError, operation: string = error.operation): string {
  const { code, path, cause } = error;
  const about = path === null ? operation : `${operation} ${path}`;
  const explanation = EXPLANATIONS[code];
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return explanation === undefined ? `${about}: ${code}${reason}` : `${about}: ${explanation}${reason} (${code})`;
}
