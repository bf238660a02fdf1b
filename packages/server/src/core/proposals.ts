import { ErrorCode, JuteError, OpCode, type Reader, Writer } from '@headkeeper/protocol';
import type { Connection, Session } from './connection.ts';
import { invariant } from './invariants.ts';
import { beginRecord, endRecord, RECORD_PREFIX_BYTES } from './log/record-codec.ts';
import type { WriteOperation } from './ops/operation.ts';
import { Preparation } from './preparation.ts';
import type { Append } from './ready.ts';
import type { Serving } from './serving.ts';
import { DIGEST_VERSION } from './tree/digest.ts';

const BUFFER_BYTES = 256 * 1024;
/** A buffer fuller than this takes no further record. */
const FULL_BYTES = 192 * 1024;
/** Larger buffers, grown by large txns, are not kept. */
const KEEP_BYTES = 1024 * 1024;
const POOLED_BUFFERS = 16;
const COUNTER_LIMIT = 0xffffffff;
const TWO_32 = 4294967296;

/** Memory of log records, used again when every txn in it has been applied. */
class LogBuffer {
  readonly writer: Writer = new Writer(BUFFER_BYTES);
  /** Txns in it that are not applied yet. */
  waiting = 0;
  /** Up to where its records have been handed to the journal. */
  taken = 0;
}

/** A txn on its way: proposed, not yet applied. */
export class Proposal {
  zxid = 0;
  /** The request's type; that of the txn is `error` when it was refused. */
  opcode = 0;
  xid = 0;
  connection: Connection | null = null;
  session: Session | null = null;
  arrivedMs = 0;
  buffer: LogBuffer | null = null;
  /** The txn's header, body and digest in the buffer. */
  start = 0;
  end = 0;
}

/** The zxid after `zxid`: the counter wraps into the next epoch, which begins at 1. */
export function nextZxid(zxid: number): number {
  return zxid % TWO_32 === COUNTER_LIMIT ? (Math.floor(zxid / TWO_32) + 1) * TWO_32 + 1 : zxid + 1;
}

/** Turns writes into txns: validates, numbers, encodes; and keeps them in order until they are durable. */
export class Proposals {
  readonly preparation: Preparation;
  readonly #serving: Serving;
  readonly #queue: Proposal[] = [];
  #head = 0;
  readonly #free: Proposal[] = [];
  readonly #buffers: LogBuffer[] = [];
  #buffer: LogBuffer = new LogBuffer();
  #appends: Append[] = [];
  #firstUntaken = 0;
  #lastZxid = 0;
  /** Bytes of the txns that are proposed and not yet applied. */
  outstandingBytes = 0;
  /** Bytes of records written so far. */
  bytesProposed = 0;

  constructor(serving: Serving) {
    this.#serving = serving;
    this.preparation = new Preparation(serving);
  }

  /** Begins after the txn `zxid`, which is applied. */
  start(zxid: number): void {
    this.#lastZxid = zxid;
    this.preparation.pending.reset();
  }

  get outstanding(): number {
    return this.#queue.length - this.#head;
  }

  /**
   * Proposes what a request asks for; refused requests become error txns. Returns 0, or the error of a request that could
   * not be decoded and that leaves no txn (since 3.9.0 only a multi does).
   */
  propose(
    operation: WriteOperation,
    opcode: number,
    xid: number,
    connection: Connection | null,
    session: Session | null,
    idHigh: number,
    idLow: number,
    r: Reader,
  ): number {
    const serving = this.#serving;
    const p = this.preparation;
    const buffer = this.#buffer;
    const log = buffer.writer;
    const zxid = nextZxid(this.#lastZxid);
    // One append does not reach across epochs.
    if (zxid !== this.#lastZxid + 1) this.#cut();
    const recordAt = beginRecord(log);
    log.longHalves(idHigh, idLow);
    log.int(xid);
    log.long(zxid);
    log.long(serving.wallMs);
    const typeAt = log.length;
    log.int(opcode);
    const bodyAt = log.length;
    p.log = log;
    p.logLimit = recordAt + RECORD_PREFIX_BYTES + serving.settings.juteMaxBuffer + serving.settings.juteMaxBufferExtra;
    p.zxid = zxid;
    p.time = serving.wallMs;
    p.session = session;
    p.identities = connection === null ? [] : connection.identities;
    p.begin(opcode);
    let error: number;
    try {
      error = operation.prepare(p, r, opcode);
    } catch (failure) {
      if (!(failure instanceof JuteError)) throw failure;
      p.pending.endOperation();
      if (opcode !== OpCode.multi || p.leaveNoTxn) {
        log.length = recordAt;
        return ErrorCode.marshallingError;
      }
      error = ErrorCode.marshallingError;
    }
    p.pending.endOperation();
    if (error !== 0) {
      log.length = bodyAt;
      log.int(error);
      log.view.setInt32(typeAt, OpCode.error);
    } else {
      log.view.setInt32(typeAt, p.txnType);
      if (serving.settings.digestEnabled) {
        log.int(DIGEST_VERSION);
        log.longHalves(p.pending.digest.high, p.pending.digest.low);
      }
    }
    const bodyEnd = log.length;
    endRecord(log, recordAt);
    this.bytesProposed += log.length - recordAt;
    this.#lastZxid = zxid;
    this.#enqueue(buffer, zxid, opcode, xid, connection, session, recordAt + RECORD_PREFIX_BYTES, bodyEnd);
    if (log.length > FULL_BYTES) {
      this.#cut();
      this.#buffer = this.#buffers.pop() ?? new LogBuffer();
    }
    return 0;
  }

  #enqueue(
    buffer: LogBuffer,
    zxid: number,
    opcode: number,
    xid: number,
    connection: Connection | null,
    session: Session | null,
    start: number,
    end: number,
  ): void {
    const proposal = this.#free.pop() ?? new Proposal();
    proposal.zxid = zxid;
    proposal.opcode = opcode;
    proposal.xid = xid;
    proposal.connection = connection;
    proposal.session = session;
    proposal.arrivedMs = this.#serving.nowMs;
    proposal.buffer = buffer;
    proposal.start = start;
    proposal.end = end;
    buffer.waiting++;
    this.outstandingBytes += end - start;
    if (this.#firstUntaken === 0) this.#firstUntaken = zxid;
    this.#queue.push(proposal);
  }

  /** The records written since the last call, for the journal. */
  takeAppends(): Append[] {
    this.#cut();
    const appends = this.#appends;
    if (appends.length > 0) this.#appends = [];
    return appends;
  }

  #cut(): void {
    const buffer = this.#buffer;
    if (buffer.writer.length === buffer.taken) return;
    this.#appends.push({
      bytes: buffer.writer.bytes,
      start: buffer.taken,
      end: buffer.writer.length,
      firstZxid: this.#firstUntaken,
      lastZxid: this.#lastZxid,
    });
    buffer.taken = buffer.writer.length;
    this.#firstUntaken = 0;
  }

  /** The oldest proposal if the journal has made it durable, else null. */
  peekDurable(durableZxid: number): Proposal | null {
    const proposal = this.#queue[this.#head];
    return proposal !== undefined && proposal.zxid <= durableZxid ? proposal : null;
  }

  /** Forgets the oldest proposal, which has been applied. */
  release(proposal: Proposal): void {
    invariant(this.#queue[this.#head] === proposal, 'proposals are applied in order');
    this.#head++;
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head > 4096 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    this.outstandingBytes -= proposal.end - proposal.start;
    const buffer = proposal.buffer as LogBuffer;
    buffer.waiting--;
    if (buffer.waiting === 0) this.#recycle(buffer);
    proposal.connection = null;
    proposal.session = null;
    proposal.buffer = null;
    this.#free.push(proposal);
  }

  #recycle(buffer: LogBuffer): void {
    if (buffer === this.#buffer) {
      if (buffer.taken !== buffer.writer.length) return;
    } else if (this.#buffers.length >= POOLED_BUFFERS) return;
    if (buffer.writer.bytes.length > KEEP_BYTES) {
      if (buffer === this.#buffer) this.#buffer = new LogBuffer();
      return;
    }
    buffer.writer.length = 0;
    buffer.taken = 0;
    if (buffer !== this.#buffer) this.#buffers.push(buffer);
  }
}
