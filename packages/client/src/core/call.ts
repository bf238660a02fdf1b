import type { RequestBodies, RequestName, ResponseBodies } from '@headkeeper/protocol';
import type { Timer } from '../ports.ts';
import { onAbort } from './abort-listeners.ts';
import type { CallOptions } from './call-options.ts';
import { type ErrorFacts, type Outcome, ZooKeeperError, type ZooKeeperErrorCode } from './errors.ts';
import type { Watcher, WatchKind } from './watch-table.ts';

/** Which watches on a path are removed. */
export type EndedWatches = 'children' | 'data' | 'any';

/** What one kind of request is, the same for all its calls. */
export interface Operation<Name extends RequestName = RequestName, Result = unknown> {
  /** As the caller knows it. */
  readonly name: string;
  readonly op: Name;
  /** A write that was sent and not answered may have been applied; a read is simply asked again. */
  readonly isWrite: boolean;
  /** What the caller gets; throws a ZooKeeperError for an answer that is a failure by its body. */
  readonly finish: (body: ResponseBodies[Name], call: Call) => Result;
  /** For an error that is an answer, too: undefined says that it is none. */
  readonly finishError?: (code: ZooKeeperErrorCode) => Result | undefined;
  /** Where a watcher is put when the request went well, and when there is no such znode. */
  readonly watchKind?: WatchKind;
  readonly watchKindIfMissing?: WatchKind;
  /** Its answer says that nobody watches the path any more in this way. */
  readonly endsWatches?: EndedWatches;
}

/** What lasts longer has no end: timers cannot be set for it. */
const LONGEST_TIMER_MS = 0x7fffffff;

export const CallState = { queued: 0, sent: 1, settled: 2 } as const;

/** One request of a caller, from the call to its answer. */
export class Call {
  readonly operation: Operation;
  readonly body: RequestBodies[RequestName];
  /** As the caller gave it, for errors. */
  readonly path: string | null;
  /** As the server knows it, for the watch table. */
  readonly serverPath: string | null;
  /** What it counts for in the limit of pending bytes. */
  readonly bytes: number;
  readonly watcher: Watcher | null;
  /** The only session it may be sent in; null: any. */
  readonly session: bigint | null;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  /** The client's own: no caller waits, and it is not brought over to another connection. */
  readonly isInternal: boolean;
  /** Monotonic milliseconds from which on it is given up; infinite when the caller set a limit of its own. */
  readonly dueAt: number;
  state: 0 | 1 | 2 = CallState.queued;
  xid = 0;
  /** On how many connections it was sent. */
  timesSent = 0;
  /** Monotonic milliseconds of the last time it was sent. */
  sentAt = 0;
  /** Ends a wait that has a limit of its own; called once when the call is settled. */
  release: (() => void) | null = null;

  constructor(facts: CallFacts) {
    this.operation = facts.operation;
    this.body = facts.body;
    this.path = facts.path;
    this.serverPath = facts.serverPath;
    this.bytes = facts.bytes;
    this.watcher = facts.watcher;
    this.session = facts.session;
    this.resolve = facts.resolve;
    this.reject = facts.reject;
    this.isInternal = facts.isInternal;
    this.dueAt = facts.dueAt;
  }

  get isSettled(): boolean {
    return this.state === CallState.settled;
  }

  /** What is known of a call that gets no answer now. */
  get outcomeIfGivenUp(): Outcome {
    return this.state === CallState.sent && this.operation.isWrite ? 'unknown' : 'not applied';
  }

  succeed(result: unknown): void {
    if (this.#settle()) this.resolve(result);
  }

  fail(error: Error): void {
    if (this.#settle()) this.reject(error);
  }

  failWith(code: ZooKeeperErrorCode, outcome: Outcome, more: Pick<ErrorFacts, 'cause' | 'detail'> = {}): void {
    this.fail(new ZooKeeperError({ code, operation: this.operation.name, path: this.path, outcome, ...more }));
  }

  #settle(): boolean {
    if (this.state === CallState.settled) return false;
    this.state = CallState.settled;
    this.release?.();
    this.release = null;
    return true;
  }
}

export interface CallFacts {
  readonly operation: Operation;
  readonly body: RequestBodies[RequestName];
  readonly path: string | null;
  readonly serverPath: string | null;
  readonly bytes: number;
  readonly watcher: Watcher | null;
  readonly session: bigint | null;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly isInternal: boolean;
  readonly dueAt: number;
}

/**
 * Ties a call to its caller's signal and time limit.
 *
 * @param given hears that the call was given up, and whether it had been sent.
 */
export function bindCall(
  call: Call,
  { signal, timeoutMs }: CallOptions,
  after: (ms: number, fn: () => void) => Timer,
  given: (call: Call, wasSent: boolean) => void,
): void {
  let timer: Timer | null = null;
  const giveUp = (code: 'aborted' | 'requestTimeout', more: Pick<ErrorFacts, 'cause' | 'detail'>): void => {
    const wasSent = call.state === CallState.sent;
    call.failWith(code, call.outcomeIfGivenUp, more);
    given(call, wasSent);
  };
  const aborted = (): void => giveUp('aborted', { cause: signal?.reason });
  if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) {
    timer = after(timeoutMs, () => giveUp('requestTimeout', { detail: `no answer within ${timeoutMs} ms` }));
  }
  const forget = signal === undefined ? null : onAbort(signal, aborted);
  call.release = () => {
    timer?.cancel();
    forget?.();
  };
}
