/** What an S3-compatible service or the way to it answered, as a TargetError that says what to do about it. */

import { TargetError, type TargetFailure } from './target.ts';

/** Where a request went: all that a message may name. */
export interface S3Place {
  /** Such as `http://127.0.0.1:9000`, or `Amazon S3 in eu-central-1`. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Key of the object, or the prefix that was listed. */
  readonly key: string;
}

interface Verdict {
  readonly failure: TargetFailure;
  readonly advice: string;
}

const unreachable = (advice: string): Verdict => ({ failure: 'unreachable', advice });
const denied = (advice: string): Verdict => ({ failure: 'denied', advice });
const full = (advice: string): Verdict => ({ failure: 'full', advice });
const other = (advice: string): Verdict => ({ failure: 'other', advice });

const busy = unreachable('the service is busy or unwell; it is worth trying again later');
const wrongKey = denied('check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of this process');
const staleToken = denied(
  'the temporary credentials have ended; renew AWS_SESSION_TOKEN and the key that belongs to it',
);
const wrongRegion = other("the bucket lies in another region; set the target's region to that of the bucket");
const noRoom = full('no room is left, or a quota is used up; make room there or remove old backups');

/** By the `code` of S3's answers; codes of MinIO and VersityGW are among them. */
const byCode: Readonly<Record<string, Verdict>> = {
  NoSuchKey: { failure: 'missing', advice: 'there is no such object' },
  NotFound: { failure: 'missing', advice: 'there is no such object' },
  NoSuchBucket: other("there is no such bucket; create it, or correct the target's address"),
  PreconditionFailed: { failure: 'exists', advice: 'the object is there already and is not overwritten' },
  ConditionalRequestConflict: busy,
  OperationAborted: busy,
  AccessDenied: denied(
    'grant s3:PutObject, s3:GetObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket to this key',
  ),
  InvalidAccessKeyId: wrongKey,
  XAdminUserNotFound: wrongKey,
  SignatureDoesNotMatch: wrongKey,
  ExpiredToken: staleToken,
  InvalidToken: staleToken,
  RequestTimeTooSkewed: denied("this machine's clock differs too much from that of the service; set the clock"),
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  SlowDown: busy,
  ServiceUnavailable: busy,
  InternalError: busy,
  RequestTimeout: busy,
  QuotaExceeded: noRoom,
  XMinioStorageFull: noRoom,
  XMinioAdminBucketQuotaExceeded: noRoom,
  InsufficientStorage: noRoom,
  EntityTooLarge: other('the service takes no object of this size'),
};

const noAnswer = unreachable('check that the service runs and that this machine can reach it');
const lost = unreachable('the connection was lost before the end; it is worth trying again');
const silent = unreachable('the service did not answer in time');

/** By the codes of Node's network errors, and the names by which the client library calls them. */
const byNetworkCode: Readonly<Record<string, Verdict>> = {
  ECONNREFUSED: noAnswer,
  EHOSTUNREACH: noAnswer,
  ENETUNREACH: noAnswer,
  ENOTFOUND: unreachable("no such host is known; check the target's endpoint, and the name service"),
  EAI_AGAIN: unreachable('the name service does not answer'),
  ECONNRESET: lost,
  EPIPE: lost,
  ERR_STREAM_PREMATURE_CLOSE: lost,
  ETIMEDOUT: silent,
};

/** A response that ended before its announced length. */
export class TruncatedResponse extends Error {
  constructor(received: number, announced: number) {
    super(`only ${received} of ${announced} bytes arrived`);
    this.name = 'TruncatedResponse';
  }
}

/**
 * The TargetError for a failed request.
 * @param action What was tried, such as "cannot put"
 */
export function s3Failure(action: string, place: S3Place, error: unknown): TargetError {
  if (error instanceof TargetError) return error;
  const facts = factsOf(error);
  const { failure, advice } = verdictOn(error, facts);
  const told = [facts.code, facts.status === null ? null : `HTTP ${facts.status}`].filter((word) => word !== null);
  const because = told.length > 0 ? told.join(', ') : facts.message;
  const what = `${action} ${place.key === '' ? 'the bucket' : place.key} (bucket ${place.bucket} at ${place.endpoint})`;
  return new TargetError(failure, `${what}: ${because}; ${advice}`, error);
}

/** Whether the service does not know the condition that forbids overwriting. */
export function rejectsConditions(error: unknown): boolean {
  const { code, status } = factsOf(error);
  return code === 'NotImplemented' || status === 501;
}

/** Whether a put found the object there. */
export function foundExisting(error: unknown): boolean {
  const { code, status } = factsOf(error);
  return code === 'PreconditionFailed' || status === 412;
}

/** How often the client library tried the request that failed. */
export function attemptsOf(error: unknown): number {
  return factsOf(error).attempts;
}

interface Facts {
  readonly code: string | null;
  readonly status: number | null;
  readonly attempts: number;
  readonly message: string;
}

function verdictOn(error: unknown, facts: Facts): Verdict {
  if (error instanceof TruncatedResponse) return lost;
  const { code, status } = facts;
  const known = code === null ? undefined : (byCode[code] ?? byNetworkCode[code]);
  if (known !== undefined) return known;
  if (facts.message === 'aborted') return lost;
  if (code === 'TimeoutError') return silent;
  if (status === null) return other('the service could not be used; the cause is in the log');
  if (status === 401 || status === 403) return byCode.AccessDenied!;
  if (status === 412) return byCode.PreconditionFailed!;
  if (status === 507) return noRoom;
  if (status === 301 || status === 307) return wrongRegion;
  if (status >= 500 || status === 429 || status === 408) return busy;
  // An answer that says "200" and breaks off, or is no XML: a proxy in between, or a connection lost.
  if (status < 300) return lost;
  return other("the service refused the request; check the target's endpoint, region and path style");
}

/** Reads what the client library attaches to its errors; whatever it is, nothing here throws. */
function factsOf(error: unknown): Facts {
  if (!(error instanceof Error)) return { code: null, status: null, attempts: 1, message: String(error) };
  const extra = error as Error & {
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: unknown; readonly attempts?: unknown };
    readonly $response?: { readonly statusCode?: unknown };
  };
  const status = extra.$metadata?.httpStatusCode ?? extra.$response?.statusCode;
  const attempts = extra.$metadata?.attempts;
  const named = error.name !== 'Error' && error.name !== 'Unknown' && error.name !== 'UnknownError';
  const code = typeof extra.code === 'string' ? extra.code : named ? error.name : null;
  return {
    code,
    status: typeof status === 'number' ? status : null,
    attempts: typeof attempts === 'number' ? attempts : 1,
    message: error.message,
  };
}
