import { ErrorCode } from '@headkeeper/protocol';

/** What a server can answer (client-protocol reference, 4.1), by the field's names. */
export type ServerErrorCode =
  | 'systemError'
  | 'runtimeInconsistency'
  | 'dataInconsistency'
  | 'connectionLoss'
  | 'marshallingError'
  | 'unimplemented'
  | 'operationTimeout'
  | 'badArguments'
  | 'unknownSession'
  | 'newConfigNoQuorum'
  | 'reconfigInProgress'
  | 'apiError'
  | 'noNode'
  | 'noAuth'
  | 'badVersion'
  | 'noChildrenForEphemerals'
  | 'nodeExists'
  | 'notEmpty'
  | 'sessionExpired'
  | 'invalidCallback'
  | 'invalidACL'
  | 'authFailed'
  | 'sessionMoved'
  | 'notReadOnly'
  | 'ephemeralOnLocalSession'
  | 'noWatcher'
  | 'requestTimeout'
  | 'reconfigDisabled'
  | 'sessionClosedRequireSaslAuth'
  | 'quotaExceeded'
  | 'throttledOp';

/** What the client itself can say. */
export type LocalErrorCode =
  /** The caller's AbortSignal. */
  | 'aborted'
  /** More is waiting than `maxPending` or `maxPendingBytes` allow. */
  | 'tooManyPending'
  /** The client was closed. */
  | 'closed'
  /** A path, connect string or option is wrong; nothing was sent. */
  | 'invalidArgument'
  /** A code that this client does not know. */
  | 'unknownError';

export type ZooKeeperErrorCode = ServerErrorCode | LocalErrorCode;

/**
 * Whether the change that was asked for has been made. `unknown`: the request was sent and its answer was not seen, so only
 * the znodes tell. Reads change nothing: `not applied`.
 */
export type Outcome = 'applied' | 'not applied' | 'unknown';

const nameOf: ReadonlyMap<number, ServerErrorCode> = new Map(
  Object.entries(ErrorCode)
    .filter(([name]) => name !== 'ok')
    .map(([name, code]): [number, ServerErrorCode] => [code, name as ServerErrorCode]),
);

export function errorCodeOf(number: number): ZooKeeperErrorCode {
  return nameOf.get(number) ?? 'unknownError';
}

export interface ErrorFacts {
  readonly code: ZooKeeperErrorCode;
  readonly operation: string;
  readonly path: string | null;
  readonly outcome: Outcome;
  readonly cause?: unknown;
  /** Said after the code. */
  readonly detail?: string;
}

/** Every rejection of this client. Tell them apart with `isZooKeeperError(error, 'noNode')`. */
export class ZooKeeperError extends Error {
  readonly code: ZooKeeperErrorCode;
  /** Such as `getData`. */
  readonly operation: string;
  /** As the caller gave it; null where no znode is concerned. */
  readonly path: string | null;
  readonly outcome: Outcome;

  constructor({ code, operation, path, outcome, cause, detail }: ErrorFacts) {
    const what = path === null ? operation : `${operation} ${path}`;
    const doubt = outcome === 'unknown' ? '; it may have been applied' : '';
    super(
      `${what}: ${code}${detail === undefined ? '' : ` (${detail})`}${doubt}`,
      cause === undefined ? {} : { cause },
    );
    this.name = 'ZooKeeperError';
    this.code = code;
    this.operation = operation;
    this.path = path;
    this.outcome = outcome;
  }
}

/** The result of one operation of a transaction that failed: none of them was applied. */
export class TransactionError extends ZooKeeperError {
  /** Position of the operation that failed. */
  readonly index: number;

  constructor(facts: ErrorFacts, index: number) {
    super(facts);
    this.name = 'TransactionError';
    this.index = index;
  }
}

/** Whether something thrown is this client's error, with one of the codes if any are given. */
export function isZooKeeperError(error: unknown, ...codes: readonly ZooKeeperErrorCode[]): error is ZooKeeperError {
  return error instanceof ZooKeeperError && (codes.length === 0 || codes.includes(error.code));
}

export function invalidArgument(operation: string, path: string | null, detail: string): ZooKeeperError {
  return new ZooKeeperError({ code: 'invalidArgument', operation, path, outcome: 'not applied', detail });
}

/** Why there is no client. */
export function connectError(code: ZooKeeperErrorCode, detail: string, cause: unknown): ZooKeeperError {
  return new ZooKeeperError({ code, operation: 'connect', path: null, outcome: 'not applied', detail, cause });
}
