import { decodeTxn, type MultiTxnEntry, OpCode, opNameOf, Reader, type Txn } from '@headkeeper/protocol';
import { LogFileReader } from '@headkeeper/server/internal';
import { dataText } from '../model/byte-text.ts';
import { type CreateModeName, type SubRequest, sessionText, type TxnLine } from './lines.ts';

/** A record may be this long. */
const MAX_RECORD_BYTES = 256 << 20;

/** The txns of a log file of Headkeeper or ZooKeeper, as a history has them. What stands behind a torn end is left out. */
export function txnsOfLog(bytes: Uint8Array): TxnLine[] {
  const lines: TxnLine[] = [];
  const reader = new LogFileReader(MAX_RECORD_BYTES, (record, _view, start, end) => {
    lines.push(lineOf(decodeTxn(new Reader(record.subarray(start, end)))));
  });
  reader.push(bytes);
  reader.finish();
  return lines;
}

function lineOf(txn: Txn): TxnLine {
  const { header } = txn;
  const { zxid, clientId } = header;
  const line = { kind: 'txn', zxid, session: sessionText(clientId), xid: header.cxid } as const;
  switch (txn.op) {
    case 'createSession':
    case 'closeSession':
      return { ...line, do: txn.op };
    case 'reconfig':
      return { ...line, do: 'reconfig', in: { path: txn.body.path ?? '' } };
    case 'error':
      return { ...line, do: 'error', error: txn.body.err };
    case 'deleteContainer':
      return { ...line, do: 'deleteContainer', in: { path: txn.body.path ?? '' } };
    case 'multi': {
      const { txns } = txn.body;
      // One that failed does nothing.
      if (txns.some(({ type }) => type === OpCode.error)) return { ...line, do: 'multi' };
      return { ...line, do: 'multi', in: { ops: txns.map(stepOf) } };
    }
    default: {
      const step = requestOf(txn.op, txn.body);
      // Memberships and quotas, which histories know nothing of.
      if (step.in.path.startsWith('/zookeeper')) {
        return { ...line, do: 'reconfig', ...(step.do === 'setData' ? { in: { path: step.in.path } } : {}) };
      }
      return { ...line, do: step.do, in: step.in } as TxnLine;
    }
  }
}

function stepOf({ type, body }: MultiTxnEntry): SubRequest {
  return requestOf(opNameOf(type) ?? '', body as Parameters<typeof requestOf>[1]);
}

/** What would do the same: a log has the names that sequentials got, and does not have the versions that were asked for. */
function requestOf(
  op: string,
  body: { readonly path: string | null; readonly data?: Uint8Array | null; readonly ephemeral?: boolean },
): SubRequest {
  const path = body.path ?? '';
  if (op.startsWith('create')) {
    const special: CreateModeName = op === 'createContainer' ? 'container' : op === 'createTTL' ? 'ttl' : 'persistent';
    return {
      do: 'create',
      in: { path, data: dataText(body.data), mode: body.ephemeral === true ? 'ephemeral' : special },
    };
  }
  if (op === 'setData') return { do: 'setData', in: { path, data: dataText(body.data), version: -1 } };
  if (op === 'delete' || op === 'check') return { do: op, in: { path, version: -1 } };
  return { do: 'setACL', in: { path, version: -1 } };
}
