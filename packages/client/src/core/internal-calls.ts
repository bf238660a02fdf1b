import type { RequestBodies, RequestName } from '@headkeeper/protocol';
import { Call, type Operation } from './call.ts';

/** What the client asks for on its own behalf; the answer is the error code and the body. */
export interface InternalAnswer {
  readonly error: number;
  readonly body: unknown;
}

/** Known to every server; one that does not know the other drops the connection. */
export const SET_WATCHES: Operation<'setWatches'> = {
  name: 'setWatches',
  op: 'setWatches',
  isWrite: false,
  finish: () => undefined,
};

export const SET_WATCHES2: Operation<'setWatches2'> = {
  name: 'setWatches2',
  op: 'setWatches2',
  isWrite: false,
  finish: () => undefined,
};

export const SASL: Operation<'sasl'> = { name: 'sasl', op: 'sasl', isWrite: false, finish: () => undefined };

/** A request that no caller waits for. `failed`: it was refused, or the connection was lost. */
export function internalCall<Name extends RequestName>(
  operation: Operation<Name>,
  body: RequestBodies[Name],
  answered: (answer: InternalAnswer) => void = () => {},
  failed: () => void = () => {},
): Call {
  return new Call({
    operation: operation as unknown as Operation,
    body,
    path: null,
    serverPath: null,
    bytes: 0,
    watcher: null,
    session: null,
    resolve: (answer) => answered(answer as InternalAnswer),
    reject: failed,
    isInternal: true,
    dueAt: Number.POSITIVE_INFINITY,
  });
}
