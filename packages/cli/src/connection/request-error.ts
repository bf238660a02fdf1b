import { ErrorCode, type ErrorName } from '@headkeeper/protocol';
import { CommandError } from '../exit-codes.ts';

const names: ReadonlyMap<number, ErrorName> = new Map(
  (Object.keys(ErrorCode) as ErrorName[]).map((name) => [ErrorCode[name], name]),
);

/** What people can do about the errors whose names do not say it. */
const explanations: ReadonlyMap<number, string> = new Map<number, string>([
  [ErrorCode.noNode, 'there is no such znode'],
  [ErrorCode.noAuth, 'its access control list does not allow that; give an identity that it does allow with --auth'],
  [ErrorCode.badVersion, 'it was changed meanwhile'],
  [ErrorCode.nodeExists, 'there is such a znode already'],
  [ErrorCode.notEmpty, 'it has children'],
  [ErrorCode.noChildrenForEphemerals, 'its parent is an ephemeral, which can have no children'],
  [
    ErrorCode.invalidACL,
    'the server does not accept its access control list: a scheme is unknown to it, or the list empty',
  ],
  [ErrorCode.unimplemented, 'the server does not support that; TTL znodes need zookeeper.extendedTypesEnabled=true'],
  [ErrorCode.quotaExceeded, 'a quota would be exceeded'],
  [ErrorCode.authFailed, 'the server does not accept the identity given with --auth'],
  [ErrorCode.notReadOnly, 'the server is in read-only mode: it has no quorum'],
  [ErrorCode.sessionExpired, 'the session has expired'],
  [ErrorCode.throttledOp, 'the server has too much to do and refused the request'],
]);

/** A server has answered a request with an error. */
export class RequestError extends CommandError {
  /** An `ErrorCode`. */
  readonly code: number;
  /** The znode it is about; null when it is about none. */
  readonly path: string | null;
  /** Position of the operation in a multi, else 0. */
  readonly index: number;

  constructor(code: number, operation: string, path: string | null, index = 0) {
    const name = names.get(code) ?? `error ${code}`;
    const explanation = explanations.get(code);
    const about = path === null ? operation : `${operation} ${path}`;
    super(explanation === undefined ? `${about}: ${name}` : `${about}: ${explanation} (${name})`);
    this.name = 'RequestError';
    this.code = code;
    this.path = path;
    this.index = index;
  }
}
