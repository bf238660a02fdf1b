import { ErrorCode, type Identity, JuteError, OpCode, type Reader, Writer } from '@headkeeper/protocol';
import { limits } from '../limits.ts';
import type { Connection, Session } from './connection.ts';
import { invariant } from './invariants.ts';
import {
  beginRecord,
  endRecord,
  RECORD_PREFIX_BYTES,
  TXN_HEADER_BYTES,
  timeOfBody,
  zxidOfBody,
} from './log/record-codec.ts';
import type { WriteOperation } from './ops/operation.ts';
import { Preparation } from './preparation.ts';
import type { Append } from './ready.ts';
import type { Serving } from './serving.ts';
import type { Observations } from './statistics/observations.ts';
import { DIGEST_VERSION } from './tree/digest.ts';

/** A buffer's size at first; it grows with what is written into it. */
const BUFFER_BYTES = 4 * 1024;
/** A buffer fuller than this takes no further record. */
const FULL_BYTES = 192 * 1024;
/** Larger buffers, grown by large txns, are not kept. */
const KEEP_BYTES = 1024 * 1024;
const POOLED_BUFFERS = 16;
const NO_APPENDS: Append[] = [];
const COUNTER_LIMIT = 0xffffffff;
const TWO_32 = 4294967296;

/** Memory of log records, used again when every txn in it has been applied. */
class LogBuffer {
  readonly writer: Writer = new Writer(BUFFER_BYTES);
  /** Txns in it that are not applied yet. */
  waiting = 0;
  /** Up to where its records have been handed to the journal. */
  taken = 0;
  /** Zxid of the last txn in it: the memory is the journal's until that is durable. */
  lastZxid = 0;
}

/** A txn on its way: proposed, not yet applied. On a learner it comes from the leader. */
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

/**
 * The txns that are not applied yet, in order. A leader makes them of writes: validates, numbers, encodes; a learner takes
 * them from its leader.
 */
export class Proposals {
  preparation: Preparation;
  readonly #serving: Serving;
  readonly #queue: Proposal[] = [];
  #head = 0;
  readonly #spare: Proposal[] = [];
  readonly #buffers: LogBuffer[] = [];
  #buffer: LogBuffer = new LogBuffer();
  /** Buffers whose txns are applied and not all durable, oldest first: a learner may be told of a commit that early. */
  readonly #applied: LogBuffer[] = [];
  #durableZxid = 0;
  #appends: Append[] = [];
  /** Whether a txn is being made in slices. */
  #isOpen = false;
  #firstUntaken = 0;
  #lastZxid = 0;
  /** Zxid of the next proposal when it begins an epoch; 0 otherwise. */
  #nextZxid = 0;
  /** Bytes of the txns that are proposed and not yet applied. */
  outstandingBytes = 0;
  /** Bytes of records written so far. */
  bytesProposed = 0;

  constructor(serving: Serving) {
    this.#serving = serving;
    this.preparation = new Preparation(serving);
  }

  /** Begins after the txn `zxid`, which is applied; nothing is outstanding. */
  start(zxid: number): void {
    invariant(this.outstanding === 0, 'txns are outstanding');
    this.#lastZxid = zxid;
    this.#durableZxid = zxid;
    this.#nextZxid = 0;
    this.#buffer = new LogBuffer();
    this.#applied.length = 0;
    this.preparation = new Preparation(this.#serving);
  }

  /** The zxid of the last txn taken in; the state's before the first. */
  get lastZxid(): number {
    return this.#lastZxid;
  }

  /** The next txn is the first of the epoch. Everything before is applied. */
  beginEpoch(epoch: number): void {
    invariant(this.outstanding === 0, 'txns of an earlier epoch are outstanding');
    this.#cut();
    this.#nextZxid = epoch * TWO_32 + 1;
    this.preparation = new Preparation(this.#serving);
  }

  /** Whether the counter of the epoch comes to its end: before it would wrap, a new epoch must begin (known failure E11). */
  get isExhausted(): boolean {
    return this.#nextZxid === 0 && this.#lastZxid % TWO_32 > limits.txnsOfEpoch;
  }

  get outstanding(): number {
    return this.#queue.length - this.#head;
  }

  /**
   * Proposes what a request asks for; refused requests become error txns. Returns 0, or the error of a request that could
   * not be decoded and that leaves no txn (since 3.9.0 only a multi does); one that another server waits for always leaves
   * one. `refusal` is an error found before, or 0.
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
    identities: readonly Identity[],
    isRemote = false,
    refusal = 0,
  ): number {
    const p = this.preparation;
    const log = this.#buffer.writer;
    const recordAt = this.#begin(opcode, xid, session, idHigh, idLow, identities);
    let error: number;
    try {
      error = refusal === 0 ? operation.prepare(p, r, opcode) : refusal;
    } catch (failure) {
      if (!(failure instanceof JuteError)) throw failure;
      p.pending.endOperation();
      if (!isRemote && (opcode !== OpCode.multi || p.leaveNoTxn)) {
        log.length = recordAt;
        return ErrorCode.marshallingError;
      }
      error = ErrorCode.marshallingError;
    }
    this.#end(recordAt, error, opcode, xid, connection, session);
    return 0;
  }

  /** As `propose`, in slices, between which nothing else may be proposed and nothing applied. */
  *proposeInSlices(
    prepare: (p: Preparation) => Generator<void, number>,
    opcode: number,
    xid: number,
    connection: Connection | null,
    session: Session,
    identities: readonly Identity[],
  ): Generator<void, void> {
    const recordAt = this.#begin(opcode, xid, session, session.idHigh, session.idLow, identities);
    this.#isOpen = true;
    const error = yield* prepare(this.preparation);
    this.#isOpen = false;
    this.#end(recordAt, error, opcode, xid, connection, session);
  }

  /** Writes the header of the next txn; returns where its record begins. */
  #begin(
    opcode: number,
    xid: number,
    session: Session | null,
    idHigh: number,
    idLow: number,
    identities: readonly Identity[],
  ): number {
    invariant(!this.#isOpen, 'one txn is made at a time');
    const serving = this.#serving;
    serving.statistics.work.proposed++;
    const p = this.preparation;
    const log = this.#buffer.writer;
    const zxid = this.#nextZxid === 0 ? nextZxid(this.#lastZxid) : this.#nextZxid;
    // One append does not reach across epochs.
    if (zxid !== this.#lastZxid + 1) this.#cut();
    p.pending.follow();
    const recordAt = beginRecord(log);
    log.longHalves(idHigh, idLow);
    log.int(xid);
    log.long(zxid);
    log.long(serving.wallMs);
    log.int(opcode);
    p.log = log;
    p.logLimit = recordAt + RECORD_PREFIX_BYTES + serving.settings.juteMaxBuffer + serving.settings.juteMaxBufferExtra;
    p.zxid = zxid;
    p.time = serving.wallMs;
    p.session = session;
    p.identities = identities;
    p.begin(opcode);
    return recordAt;
  }

  /** Completes the txn that `#begin` began, or makes an error txn of it. */
  #end(
    recordAt: number,
    error: number,
    opcode: number,
    xid: number,
    connection: Connection | null,
    session: Session | null,
  ): void {
    const p = this.preparation;
    const buffer = this.#buffer;
    const log = buffer.writer;
    const { zxid } = p;
    const bodyAt = recordAt + RECORD_PREFIX_BYTES + TXN_HEADER_BYTES;
    const typeAt = bodyAt - 4;
    p.pending.endOperation();
    if (error !== 0) {
      log.length = bodyAt;
      log.int(error);
      log.view.setInt32(typeAt, OpCode.error);
    } else {
      log.view.setInt32(typeAt, p.txnType);
      if (this.#serving.settings.digestEnabled) {
        log.int(DIGEST_VERSION);
        log.longHalves(p.pending.digest.high, p.pending.digest.low);
      }
    }
    const bodyEnd = log.length;
    endRecord(log, recordAt);
    this.bytesProposed += log.length - recordAt;
    this.#lastZxid = zxid;
    this.#nextZxid = 0;
    this.#enqueue(buffer, zxid, opcode, xid, connection, session, recordAt + RECORD_PREFIX_BYTES, bodyEnd);
    this.#leaveFullBuffer();
  }

  /** Takes a txn (header, body, digest: `bytes[start, end)`) that the leader has proposed. Its zxid has been checked. */
  accept(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const zxid = zxidOfBody(view, start);
    if (zxid !== this.#lastZxid + 1) this.#cut();
    const buffer = this.#buffer;
    const log = buffer.writer;
    const recordAt = beginRecord(log);
    log.raw(bytes, start, end);
    const bodyEnd = log.length;
    endRecord(log, recordAt);
    this.bytesProposed += log.length - recordAt;
    this.#lastZxid = zxid;
    this.#enqueue(buffer, zxid, 0, 0, null, null, recordAt + RECORD_PREFIX_BYTES, bodyEnd);
    this.#leaveFullBuffer();
  }

  #leaveFullBuffer(): void {
    if (this.#buffer.writer.length <= FULL_BYTES) return;
    this.#cut();
    this.#buffer = this.#buffers.pop() ?? new LogBuffer();
  }

  /** Forgets the txns after `zxid`: they are cut off the log, too. Everything taken in has reached the journal. */
  dropAfter(zxid: number): void {
    invariant(this.#appends.length === 0 && this.#firstUntaken === 0, 'txns have not reached the journal');
    while (this.outstanding > 0) {
      const proposal = this.#queue[this.#queue.length - 1];
      if (proposal.zxid <= zxid) break;
      this.#queue.pop();
      this.#free(proposal);
    }
    if (this.outstanding === 0) {
      this.#queue.length = 0;
      this.#head = 0;
    }
    this.#lastZxid = zxid;
    this.#nextZxid = 0;
    // Other txns can come under the numbers of those that were durable.
    this.#durableZxid = Math.min(this.#durableZxid, zxid);
  }

  /** Forgets everything: another state takes the place of the one that these txns would have changed. */
  dropAll(): void {
    this.takeAppends();
    while (this.#head < this.#queue.length) this.#free(this.#queue[this.#head++]);
    this.#queue.length = 0;
    this.#head = 0;
  }

  /** The connections of a role that has ended wait for no reply any more. */
  forgetConnections(): void {
    for (let i = this.#head; i < this.#queue.length; i++) {
      this.#queue[i].connection = null;
      this.#queue[i].session = null;
    }
  }

  /** The number of the first outstanding txn after `zxid`, the oldest being 0; `outstanding` when there is none. */
  indexAfter(zxid: number): number {
    const { oldest } = this;
    if (oldest === null || zxid < oldest.zxid) return 0;
    // Within an epoch there are no gaps.
    const guess = zxid - oldest.zxid;
    if (this.#queue[this.#head + guess]?.zxid === zxid) return guess + 1;
    let from = this.#queue.length;
    while (from > this.#head && this.#queue[from - 1].zxid > zxid) from--;
    return from - this.#head;
  }

  /**
   * Notes how old, by the wall clocks, the outstanding txns number `from` to `to` - 1 are. Where the first and the last are of
   * one millisecond, all between them are taken to be.
   */
  observeAges(from: number, to: number, ages: Observations): void {
    if (from >= to) return;
    const age = this.#ageOf(from);
    if (to - from === 1 || age === this.#ageOf(to - 1)) {
      // The clock of the server that made them may be ahead of this one's.
      if (age >= 0) ages.addMany(age, to - from);
      return;
    }
    const middle = (from + to) >>> 1;
    this.observeAges(from, middle, ages);
    this.observeAges(middle, to, ages);
  }

  #ageOf(index: number): number {
    const { buffer, start } = this.at(index);
    return this.#serving.wallMs - timeOfBody((buffer as LogBuffer).writer.view, start);
  }

  /** The same of their times here, from arrival to the present. */
  observeWaits(from: number, to: number, waits: Observations): void {
    if (from >= to) return;
    const { arrivedMs } = this.at(from);
    if (to - from === 1 || arrivedMs === this.at(to - 1).arrivedMs) {
      waits.addMany(this.#serving.nowMs - arrivedMs, to - from);
      return;
    }
    const middle = (from + to) >>> 1;
    this.observeWaits(from, middle, waits);
    this.observeWaits(middle, to, waits);
  }

  /** The outstanding txn `zxid`, or null. */
  find(zxid: number): Proposal | null {
    const oldest = this.oldest;
    // Within an epoch there are no gaps.
    const found = oldest === null ? undefined : this.#queue[this.#head + zxid - oldest.zxid];
    return found?.zxid === zxid ? found : null;
  }

  /** The outstanding txn number `index`, the oldest being 0. */
  at(index: number): Proposal {
    return this.#queue[this.#head + index];
  }

  /** The oldest outstanding txn, or null. */
  get oldest(): Proposal | null {
    return this.#queue[this.#head] ?? null;
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
    const proposal = this.#spare.pop() ?? new Proposal();
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
    buffer.lastZxid = zxid;
    this.outstandingBytes += end - start;
    if (this.#firstUntaken === 0) this.#firstUntaken = zxid;
    this.#queue.push(proposal);
  }

  /** The records written since the last call, for the journal. */
  takeAppends(): Append[] {
    if (this.#isOpen) return NO_APPENDS;
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
    this.#free(proposal);
  }

  #free(proposal: Proposal): void {
    this.outstandingBytes -= proposal.end - proposal.start;
    const buffer = proposal.buffer as LogBuffer;
    buffer.waiting--;
    if (buffer.waiting === 0 && buffer.lastZxid <= this.#durableZxid) this.#recycle(buffer);
    else if (buffer.waiting === 0 && buffer !== this.#buffer) this.#applied.push(buffer);
    proposal.connection = null;
    proposal.session = null;
    proposal.buffer = null;
    this.#spare.push(proposal);
  }

  /** Everything up to `zxid` is on the disk: memory that was the journal's can be used again. */
  durable(zxid: number): void {
    this.#durableZxid = zxid;
    const buffer = this.#buffer;
    if (buffer.waiting === 0 && buffer.taken > 0 && buffer.lastZxid <= zxid) this.#recycle(buffer);
    while (this.#applied.length > 0 && this.#applied[0].lastZxid <= zxid) {
      this.#recycle(this.#applied.shift() as LogBuffer);
    }
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
