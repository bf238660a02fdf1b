/**
 * What servers of Headkeeper say to one another when one of them puts its damaged history together again
 * (docs/internals/history-repair.md). The connection is one to the quorum port, and all that is said there has the form of the packets of that
 * port, with types that no other server knows: one that does not ends the connection.
 */
import { JuteError } from '../bytes/jute-error.ts';
import { Reader } from '../bytes/reader.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { Writer } from '../bytes/writer.ts';

/** "HK" and a number. */
const Type = {
  records: 0x484b0001,
  snapshot: 0x484b0002,
  record: 0x484b0003,
  end: 0x484b0004,
  refused: 0x484b0005,
  head: 0x484b0006,
  piece: 0x484b0007,
} as const;
const VERSION = 1;
/** Behind a vote: whoever says this understands repair. Apache's servers pass over what is behind a vote (election-protocol reference, 3.1). */
const TRAILER: readonly number[] = [0x48, 0x4b, 0x52, 0x31];
/** Bytes of a vote up to and with the length of the configuration, which follows. */
const VOTE_BYTES = 44;
/** Type, zxid, and the length of the data, which follows. */
const HEAD_BYTES = 16;
/** Behind the data: no identities. */
const NO_IDENTITIES = -1;
const FOOT_BYTES = 4;
/** Of a record's answer, before the body. */
const FACTS_BYTES = 20;
/** Ranges in one request. */
export const MOST_RANGES = 2048;
const MOST_REQUEST_BYTES: number = HEAD_BYTES + 16 + 16 * MOST_RANGES + FOOT_BYTES;
/** Bytes of a message beside the body of a record, or the piece of a snapshot. */
export const REPAIR_OVERHEAD_BYTES = 64;

/** Asks for the intact txns of these ranges, both ends included, or for the newest snapshot of at most `upTo`. */
export type RepairRequest = { readonly sid: number } & (
  | { readonly kind: 'records'; readonly ranges: readonly { readonly from: number; readonly to: number }[] }
  | { readonly kind: 'snapshot'; readonly upTo: number }
);

/**
 * Records come ascending, each with the txn before it (-1: unknown) and its checksum; a snapshot as its name and its pieces. `end`
 * says that this was all.
 */
export type RepairAnswer =
  | {
      readonly kind: 'record';
      readonly zxid: number;
      readonly before: number;
      /** Length and checksum of that txn, where it is damaged and its zxid not known; length 0: nothing is known of it. */
      readonly beforeLength: number;
      readonly beforeAdler: number;
      readonly adler: number;
      readonly body: Uint8Array;
    }
  | { readonly kind: 'head'; readonly name: string }
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'refused'; readonly why: string };

/** The vote with the word behind it that its sender understands repair. */
export function withRepairTrailer(vote: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(vote.length + TRAILER.length);
  bytes.set(vote);
  bytes.set(TRAILER, vote.length);
  return bytes;
}

/** Whether the sender of this vote understands repair. */
export function hasRepairTrailer(vote: Uint8Array): boolean {
  if (vote.length < VOTE_BYTES + TRAILER.length) return false;
  const view = new DataView(vote.buffer, vote.byteOffset, vote.length);
  const at = VOTE_BYTES + view.getInt32(VOTE_BYTES - 4);
  return vote.length === at + TRAILER.length && TRAILER.every((byte, index) => vote[at + index] === byte);
}

/** Whether a connection that begins with these bytes is one for a repair. */
export function beginsRepair(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const type = new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0);
  return type === Type.records || type === Type.snapshot;
}

/**
 * The bytes of the message that begins at `start`; null while too few of them are there to tell. Throws JuteError when they are
 * more than `most`.
 */
export function repairMessageLength(view: DataView, start: number, end: number, most: number): number | null {
  if (end - start < HEAD_BYTES) return null;
  const length = view.getInt32(start + HEAD_BYTES - 4);
  if (length < 0 || length > most) throw new JuteError('over-limit', `a message of ${length} bytes`);
  return HEAD_BYTES + length + FOOT_BYTES;
}

/** The whole request as it opens a connection. */
export function encodeRepairRequest(request: RepairRequest): Uint8Array {
  const out = new Writer(256);
  const at = begin(out, Type[request.kind], 0);
  out.int(VERSION);
  out.long(request.sid);
  if (request.kind === 'records') {
    out.int(request.ranges.length);
    for (const { from, to } of request.ranges) {
      out.long(from);
      out.long(to);
    }
  } else out.long(request.upTo);
  finish(out, at);
  return out.bytes.slice(0, out.length);
}

/** Reads the request that these bytes begin with; null before all of it is there. Throws JuteError when it makes no sense. */
export function decodeRepairRequest(bytes: Uint8Array): RepairRequest | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = repairMessageLength(view, 0, bytes.length, MOST_REQUEST_BYTES);
  if (length === null || bytes.length < length) return null;
  const input = new Reader(bytes, HEAD_BYTES, length - FOOT_BYTES);
  const version = input.int();
  if (version !== VERSION) throw new JuteError('malformed', `version ${version}`);
  const sid = input.long();
  const type = view.getInt32(0);
  if (type === Type.snapshot) return { kind: 'snapshot', sid, upTo: input.long() };
  const count = type === Type.records ? input.int() : -1;
  if (count < 0 || count > MOST_RANGES) throw new JuteError('over-limit', `${count} ranges`);
  const ranges: { from: number; to: number }[] = [];
  for (let i = 0; i < count; i++) ranges.push({ from: input.long(), to: input.long() });
  return { kind: 'records', sid, ranges };
}

/** Appends an answer. */
export function writeRepairAnswer(out: Writer, answer: RepairAnswer): void {
  const at = begin(out, Type[answer.kind], answer.kind === 'record' ? answer.zxid : 0);
  if (answer.kind === 'record') {
    out.long(answer.before);
    out.int(answer.beforeLength);
    out.int(answer.beforeAdler | 0);
    out.int(answer.adler | 0);
    out.raw(answer.body);
  } else if (answer.kind === 'head') out.raw(encodeUtf8(answer.name));
  else if (answer.kind === 'refused') out.raw(encodeUtf8(answer.why));
  else if (answer.kind === 'piece') out.raw(answer.bytes);
  finish(out, at);
}

/** Reads the whole answer in `bytes[start, end)`, whose memory it shares. Throws JuteError when it makes no sense. */
export function decodeRepairAnswer(bytes: Uint8Array, start: number, end: number): RepairAnswer {
  const input = new Reader(bytes, start, end - FOOT_BYTES);
  const type = input.int();
  const zxid = input.long();
  const from = start + HEAD_BYTES;
  const to = end - FOOT_BYTES;
  switch (type) {
    case Type.end:
      return { kind: 'end' };
    case Type.head:
      return { kind: 'head', name: decodeUtf8(bytes, from, to) };
    case Type.refused:
      return { kind: 'refused', why: decodeUtf8(bytes, from, to) };
    case Type.piece:
      return { kind: 'piece', bytes: bytes.subarray(from, to) };
    case Type.record: {
      input.int();
      const before = input.long();
      const beforeLength = input.int();
      const beforeAdler = input.int() >>> 0;
      const adler = input.int() >>> 0;
      const body = bytes.subarray(from + FACTS_BYTES, to);
      return { kind: 'record', zxid, before, beforeLength, beforeAdler, adler, body };
    }
    default:
      throw new JuteError('malformed', `type ${type}`);
  }
}

function begin(out: Writer, type: number, zxid: number): number {
  const at = out.length;
  out.int(type);
  out.long(zxid);
  out.int(0);
  return at;
}

function finish(out: Writer, at: number): void {
  out.view.setInt32(at + HEAD_BYTES - 4, out.length - at - HEAD_BYTES);
  out.int(NO_IDENTITIES);
}
