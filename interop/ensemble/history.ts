/** Operations on registers (znodes) as their clients saw them: what the search for an order of them judges. */

import { ErrorCode } from '@headkeeper/protocol';

export interface Operation {
  readonly client: number;
  readonly key: string;
  readonly op: 'create' | 'set' | 'delete' | 'read';
  /** What a create or a set writes: no two writes of a history the same. */
  readonly data: string;
  /** Version that a set or a delete asks for; -1 for any. */
  readonly expected: number;
  /** Microseconds of one clock for all clients. */
  readonly call: number;
  readonly return: number;
  /** `unknown`: no answer came, so it was carried out or not, at any time after the call. */
  readonly outcome: 'ok' | 'absent' | 'exists' | 'version' | 'unknown';
  /** The version that a set or a read was told; 0 for others. */
  readonly version: number;
  /** What a read found. */
  readonly found: string;
  /** Client port of the server that was asked. */
  readonly port: number;
}

export interface HistoryCounts {
  readonly operations: number;
  readonly ok: number;
  readonly refused: number;
  readonly unknown: number;
  /** Successful ones that overlapped in time with another client's operation on the same register. */
  readonly concurrent: number;
  readonly registers: number;
}

export function countHistory(history: readonly Operation[]): HistoryCounts {
  const ok = history.filter(({ outcome }) => outcome === 'ok').length;
  const unknown = history.filter(({ outcome }) => outcome === 'unknown').length;
  const registers = byKey(history);
  let concurrent = 0;
  for (const operations of registers.values()) {
    for (const one of operations)
      if (one.outcome === 'ok' && operations.some((other) => overlap(one, other))) concurrent++;
  }
  return {
    operations: history.length,
    ok,
    refused: history.length - ok - unknown,
    unknown,
    concurrent,
    registers: registers.size,
  };
}

const REQUESTS = { create: 'create', set: 'setData', delete: 'delete', read: 'getData' } as const;
const REFUSALS = { absent: ErrorCode.noNode, exists: ErrorCode.nodeExists, version: ErrorCode.badVersion } as const;

/** In the format of docs/internals/histories.md: of each operation the call and the return, as far as the search reads them. */
export function historyText(history: readonly Operation[]): string {
  const lines: object[] = [{ kind: 'history', version: 1, source: 'registers', wireOrder: false }];
  for (const [id, operation] of history.entries()) {
    const { client, key, op, data, expected, call } = operation;
    const whose = { client: `client-${client}`, session: '0x0', id };
    const asked = { path: key, data, version: expected };
    lines.push({ kind: 'call', at: call, ...whose, do: REQUESTS[op], in: asked, on: `register:${key}` });
    lines.push({ kind: 'return', at: operation.return, ...whose, ...answerOf(operation) });
  }
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
}

function answerOf({ op, outcome, version, found }: Operation): object {
  if (outcome === 'unknown') return { outcome };
  if (outcome !== 'ok') return { outcome: 'refused', error: REFUSALS[outcome] };
  if (op === 'set') return { outcome, out: { stat: { version } } };
  return { outcome, out: op === 'read' ? { stat: { version }, data: found } : {} };
}

/**
 * A copy of the history in which one read is told what was overwritten before it began: by a write that began after the
 * overwritten one was answered, and was answered itself before the read began. No two writes write the same.
 * @throws Error when there is no such read
 */
export function withStaleRead(history: readonly Operation[]): Operation[] {
  for (const operations of byKey(history).values()) {
    const sets = operations.filter(({ op, outcome }) => op === 'set' && outcome === 'ok');
    for (const read of operations) {
      if (read.op !== 'read' || read.outcome !== 'ok') continue;
      const current = sets.find((set) => set.data === read.found && set.return < read.call);
      const overwritten = current === undefined ? undefined : sets.find((set) => set.return < current.call);
      if (overwritten === undefined) continue;
      const stale = { ...read, version: overwritten.version, found: overwritten.data };
      return history.map((operation) => (operation === read ? stale : operation));
    }
  }
  throw new Error('no read of this history can be made stale');
}

function byKey(history: readonly Operation[]): Map<string, Operation[]> {
  const registers = new Map<string, Operation[]>();
  for (const operation of history) {
    const known = registers.get(operation.key);
    if (known === undefined) registers.set(operation.key, [operation]);
    else known.push(operation);
  }
  return registers;
}

function overlap(one: Operation, other: Operation): boolean {
  return one.client !== other.client && one.call <= other.return && other.call <= one.return;
}
