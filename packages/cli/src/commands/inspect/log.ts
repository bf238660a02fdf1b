import {
  type Acl,
  decodeTxn,
  fileHeader,
  JuteError,
  type MultiTxnEntry,
  opNameOf,
  Reader,
  type Txn,
} from '@headkeeper/protocol';
import { LOG_HEADER_BYTES, LogFileReader } from '@headkeeper/server/internal';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { aclText, dataText, hex, jsonValue, time } from './format.ts';
import type { LineOutput } from './line-output.ts';

/** A record may be this long; a longer one is taken for damage. */
const MAX_RECORD_BYTES = 256 << 20;

/**
 * Prints every txn of a log file, and how the file ends.
 *
 * @throws CommandError with the exit code for damage when the file does not end cleanly or a record is unreadable.
 */
export async function inspectLog(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  json: boolean,
  out: LineOutput,
): Promise<void> {
  const input = new Reader(new Uint8Array(0));
  const unreadable: string[] = [];
  const reader = new LogFileReader(MAX_RECORD_BYTES, (bytes, view, start, end, offset) => {
    input.reset(bytes, view, start, end);
    try {
      const txn = decodeTxn(input);
      out.line(json ? jsonLine(txn, offset) : textLine(txn));
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      unreadable.push(`the record at byte ${offset} has a right checksum and cannot be decoded: ${error.message}`);
      out.line(
        json ? JSON.stringify({ offset, unreadable: error.message }) : `UNREADABLE at byte ${offset}: ${error.message}`,
      );
    }
  });

  let head: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    if (head.length < LOG_HEADER_BYTES) {
      head = Buffer.concat([head, chunk.subarray(0, LOG_HEADER_BYTES - head.length)]);
      if (head.length === LOG_HEADER_BYTES && !json) out.line(headLine(head));
    }
    reader.push(chunk);
    await out.flush();
  }
  const end = reader.finish();
  if (json) out.line(JSON.stringify({ end: end.kind, offset: end.offset, records: end.records, reason: end.reason }));
  else if (end.kind === 'clean' || end.kind === 'empty') out.line(`EOF reached after ${end.records} txns.`);
  await out.flush();

  const problems = [...unreadable];
  if (end.kind === 'not-a-log') problems.push(end.reason);
  if (end.kind === 'torn') problems.push(`torn at byte ${end.offset}, after ${end.records} txns: ${end.reason}`);
  if (end.kind === 'damaged') problems.push(`damaged at byte ${end.offset}, after ${end.records} txns: ${end.reason}`);
  if (problems.length > 0) throw new CommandError(`${file}: ${problems.join('; ')}`, ExitCode.damaged);
}

function headLine(head: Uint8Array): string {
  const { dbid, version } = fileHeader.decode(new Reader(head));
  return `ZooKeeper Transactional Log File with dbid ${dbid} txnlog format version ${version}`;
}

function textLine(txn: Txn): string {
  const { header } = txn;
  const digest = txn.digest === null ? '' : ` digest ${txn.digest.version},${hex(txn.digest.treeDigest)}`;
  return (
    `${time(header.time)} session ${hex(header.clientId)} cxid ${hex(header.cxid)} zxid ${hex(header.zxid)} ` +
    `${txn.op} ${bodyText(txn)}${digest}`
  );
}

function jsonLine(txn: Txn, offset: number): string {
  const { header, op, body, digest } = txn;
  return JSON.stringify(
    {
      offset,
      zxid: hex(header.zxid),
      session: header.clientId,
      cxid: header.cxid,
      time: time(header.time),
      op,
      body:
        op === 'multi' ? { txns: body.txns.map((entry) => ({ op: opNameOf(entry.type), body: entry.body })) } : body,
      digest,
    },
    jsonValue,
  );
}

/** The fields of a body, in the file's order, separated by commas; the txns of a multi by semicolons. */
function bodyText(txn: Txn): string {
  if (txn.op !== 'multi') return fields(txn.body);
  return txn.body.txns.map((entry: MultiTxnEntry) => `${opNameOf(entry.type)}:${fields(entry.body)}`).join(';');
}

function fields(body: object): string {
  return Object.entries(body)
    .map(([name, value]) => fieldText(name, value))
    .join(',');
}

function fieldText(name: string, value: unknown): string {
  if (name === 'data') return dataText(value as Uint8Array | null);
  if (name === 'acl') return `[${aclText(value as Acl[] | null)}]`;
  if (Array.isArray(value)) return `[${value.join(',')}]`;
  return String(value);
}
