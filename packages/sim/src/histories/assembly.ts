import { HistoryFormatError } from './history-file.ts';
import {
  type CallLine,
  type ClientLine,
  isRequest,
  isWrite,
  type Line,
  type ReturnLine,
  type TxnLine,
} from './lines.ts';

/** A call with what became of it. */
export interface Operation {
  readonly call: CallLine;
  readonly outcome: ReturnLine['outcome'];
  readonly answer: ReturnLine | null;
  /** When it was over; infinite while that is not known. */
  readonly returnedAt: number;
  /** Connections that the client had had when it was called: calls with the same number went one way. */
  readonly connection: number;
  /** What it became, if it is a write and what was committed is known. */
  txn: TxnLine | null;
}

/** One client's lines, in order, each call with its operation. */
export interface ClientHistory {
  readonly client: string;
  readonly lines: readonly ClientLine[];
  readonly hasWireOrder: boolean;
  readonly operations: ReadonlyMap<number, Operation>;
}

/** A history put together. */
export interface AssembledHistory {
  readonly clients: readonly ClientHistory[];
  /** By the time of the call. */
  readonly operations: readonly Operation[];
  /** All that was committed, in order; empty when that is not known. */
  readonly txns: readonly TxnLine[];
  /** The operation that a txn was asked for by, by zxid. */
  readonly askedBy: ReadonlyMap<number, Operation>;
}

/**
 * Puts together what several programs have written.
 *
 * @throws HistoryFormatError when a return has no call, or two clients have one name
 */
export function assembleHistory(files: readonly (readonly Line[])[]): AssembledHistory {
  const clients: ClientHistory[] = [];
  const txns: TxnLine[] = [];
  for (const file of files) {
    const [head] = file;
    const hasWireOrder = head?.kind === 'history' && head.wireOrder === true;
    const byClient = new Map<string, ClientLine[]>();
    for (const line of file) {
      if (line.kind === 'history') continue;
      if (line.kind === 'txn') {
        txns.push(line);
        continue;
      }
      const known = byClient.get(line.client);
      if (known === undefined) byClient.set(line.client, [line]);
      else known.push(line);
    }
    for (const [client, lines] of byClient) {
      if (clients.some((each) => each.client === client)) {
        throw new HistoryFormatError(
          `client ${client} is in two files; each client of a history has a name of its own`,
        );
      }
      clients.push({ client, lines, hasWireOrder, operations: operationsOf(lines) });
    }
  }
  const operations = clients.flatMap((client) => [...client.operations.values()]);
  operations.sort((a, b) => a.call.at - b.call.at);
  return { clients, operations, txns, askedBy: linkTxns(operations, txns) };
}

function operationsOf(lines: readonly ClientLine[]): Map<number, Operation> {
  const calls = new Map<number, { call: CallLine; connection: number }>();
  const answers = new Map<number, ReturnLine>();
  let connection = 0;
  for (const line of lines) {
    if (line.kind === 'session') connection++;
    else if (line.kind === 'call') {
      if (calls.has(line.id)) throw new HistoryFormatError(`client ${line.client} has two calls with id ${line.id}`);
      calls.set(line.id, { call: line, connection });
    } else if (line.kind === 'return') {
      if (!calls.has(line.id) || answers.has(line.id)) {
        throw new HistoryFormatError(`client ${line.client} has a return that belongs to no open call: id ${line.id}`);
      }
      answers.set(line.id, line);
    }
  }
  const operations = new Map<number, Operation>();
  for (const [id, { call, connection: number }] of calls) {
    const answer = answers.get(id) ?? null;
    const outcome = answer?.outcome ?? 'unknown';
    const isOver = outcome !== 'unknown';
    const returnedAt = isOver ? (answer as ReturnLine).at : Number.POSITIVE_INFINITY;
    operations.set(id, { call, outcome, answer, returnedAt, connection: number, txn: null });
  }
  return operations;
}

/** Finds the txn of each write: by its xid, or by the zxid told, or else the first of its session that is its like. */
function linkTxns(operations: readonly Operation[], txns: readonly TxnLine[]): Map<number, Operation> {
  const askedBy = new Map<number, Operation>();
  const byXid = new Map<string, TxnLine>();
  const byZxid = new Map<number, TxnLine>();
  const bySession = new Map<string, TxnLine[]>();
  for (const txn of txns) {
    byZxid.set(txn.zxid, txn);
    if (txn.xid !== 0) byXid.set(`${txn.session} ${txn.xid}`, txn);
    const known = bySession.get(txn.session);
    if (known === undefined) bySession.set(txn.session, [txn]);
    else known.push(txn);
  }
  const link = (operation: Operation, txn: TxnLine | undefined): void => {
    if (txn === undefined || askedBy.has(txn.zxid)) return;
    operation.txn = txn;
    askedBy.set(txn.zxid, operation);
  };
  const isChange = ({ call }: Operation): boolean => isRequest(call) && (isWrite(call) || call.do === 'closeSession');
  const left: Operation[] = [];
  for (const operation of operations) {
    if (!isChange(operation)) continue;
    const { call, answer } = operation;
    if (call.xid !== undefined) link(operation, byXid.get(`${call.session} ${call.xid}`));
    else if (answer?.zxid !== undefined) link(operation, byZxid.get(answer.zxid));
    else left.push(operation);
  }
  for (const operation of left) {
    const { call } = operation;
    const isFree = (txn: TxnLine): boolean => !askedBy.has(txn.zxid) && couldBe(txn, call);
    link(operation, bySession.get(call.session)?.find(isFree));
  }
  return askedBy;
}

/** Whether a txn of a call's session does what was asked for: data tells, for no two writes write the same. */
function couldBe(txn: TxnLine, call: CallLine): boolean {
  if (txn.do !== call.do || txn.in === undefined) return txn.do === call.do;
  const [done, asked] = [txn.in, call.in] as [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>];
  const isSequential = String(asked.mode).endsWith('Sequential');
  const samePath = isSequential ? String(done.path).startsWith(String(asked.path)) : done.path === asked.path;
  return samePath && done.data === asked.data;
}
