import { ErrorCode } from '@headkeeper/protocol';
import type { Call, Operation } from './call.ts';
import { errorCodeOf } from './errors.ts';
import type { WatchTable } from './watch-table.ts';

/** Errors of a server after which a write may have been made all the same. */
const DOUBTFUL: ReadonlySet<number> = new Set<number>([ErrorCode.operationTimeout, ErrorCode.requestTimeout]);

/** Gives a call its answer, and the watch table what follows from it. */
export function settle(call: Call, error: number, body: unknown, watches: WatchTable): void {
  const { operation } = call;
  if (call.isInternal) {
    if (error === ErrorCode.ok || operation.name === 'sasl') call.succeed({ error, body });
    else call.failWith(errorCodeOf(error), 'not applied');
    return;
  }
  const code = error === ErrorCode.ok ? null : errorCodeOf(error);
  // In the same turn as the answer, before those behind it: they may watch the path anew.
  if (operation.endsWatches !== undefined && (code === null || code === 'noWatcher')) {
    watches.removeAll(call.serverPath as string, operation.endsWatches);
  }
  if (code === null) {
    setWatch(call, operation.watchKind, watches);
    try {
      call.succeed(operation.finish(body as never, call));
    } catch (failure) {
      call.fail(failure as Error);
    }
    return;
  }
  if (code === 'noNode') setWatch(call, operation.watchKindIfMissing, watches);
  const result = operation.finishError?.(code);
  if (result !== undefined) call.succeed(result);
  else call.failWith(code, DOUBTFUL.has(error) && operation.isWrite ? 'unknown' : 'not applied');
}

function setWatch(call: Call, kind: Operation['watchKind'], watches: WatchTable): void {
  if (call.watcher !== null && kind !== undefined) watches.add(kind, call.serverPath as string, call.watcher);
}
