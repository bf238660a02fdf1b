import type { Identity } from '../acl.ts';
import { JuteError } from '../bytes/jute-error.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import { Writer } from '../bytes/writer.ts';

/** Types of the packets between a leader and its learners (quorum-protocol reference, section 2). */
export const QuorumPacketType = {
  request: 1,
  proposal: 2,
  ack: 3,
  commit: 4,
  ping: 5,
  revalidate: 6,
  sync: 7,
  inform: 8,
  commitAndActivate: 9,
  newLeader: 10,
  followerInfo: 11,
  upToDate: 12,
  diff: 13,
  trunc: 14,
  snap: 15,
  observerInfo: 16,
  leaderInfo: 17,
  ackEpoch: 18,
  informAndActivate: 19,
} as const;

export type QuorumPacketName = keyof typeof QuorumPacketType;

const nameOf: ReadonlyMap<number, QuorumPacketName> = new Map(
  (Object.keys(QuorumPacketType) as QuorumPacketName[]).map((name): [number, QuorumPacketName] => [
    QuorumPacketType[name],
    name,
  ]),
);

/** The name of a packet's type, or undefined if there is no such type. */
export function quorumPacketNameOf(type: number): QuorumPacketName | undefined {
  return nameOf.get(type);
}

const TWO_32 = 4294967296;
const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);
/** type, zxid, length of the data. */
const HEADER_BYTES = 16;
/** Bytes of the authinfo's count. */
const COUNT_BYTES = 4;
/** An identity with two empty strings. */
const SMALLEST_IDENTITY_BYTES = 8;

/**
 * The length in bytes, data and authinfo included, of the packet that begins at `start`; 0 while not all of it has
 * arrived. Packets have no length prefix, so this is how a stream is cut into them (section 1).
 *
 * @param view the memory that the stream has been received into.
 * @param end offset just past what has arrived.
 * @param limit the most bytes that the data, and all of the authinfo together, may have.
 * @throws JuteError 'negative-length' or 'over-limit', as soon as the bad length itself is there.
 */
export function packetLength(view: DataView, start: number, end: number, limit: number): number {
  if (end - start < HEADER_BYTES) return 0;
  const data = checkedLength(view.getInt32(start + 12), limit);
  const authinfo = start + HEADER_BYTES + (data < 0 ? 0 : data);
  if (end - authinfo < COUNT_BYTES) return 0;
  const count = view.getInt32(authinfo);
  let at = authinfo + COUNT_BYTES;
  if (count > 0) {
    if (count > limit / SMALLEST_IDENTITY_BYTES) throw overLimit(count * SMALLEST_IDENTITY_BYTES, limit);
    // Two strings for each identity.
    for (let strings = count * 2; strings > 0; strings--) {
      if (end - at < 4) return 0;
      const length = checkedLength(view.getInt32(at), limit);
      at += length < 0 ? 4 : 4 + length;
      if (at - authinfo > limit) throw overLimit(at - authinfo, limit);
      if (at > end) return 0;
    }
  } else if (count < -1) {
    throw negative(count);
  }
  return at - start;
}

/**
 * One packet, read in place: the fields are offsets into the bytes it was read from, valid as long as these are. One
 * object serves a whole stream; `read` allocates nothing.
 */
export class QuorumPacket {
  type = 0;
  /** Its meaning depends on the type; -1 in some. Exact within ±2^53. */
  zxid = 0;
  /** The data is `bytes[dataStart, dataEnd)`. Null data looks empty here, and `dataIsNull` tells the two apart. */
  dataStart = 0;
  dataEnd = 0;
  dataIsNull = true;
  /** How many identities the packet carries; -1 when the list is null. */
  authinfoCount = -1;
  /** Offset of the first identity. */
  authinfoStart = 0;
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = NO_VIEW;
  #end = 0;

  /**
   * Reads the packet `bytes[start, end)`, whose length `packetLength` has found.
   *
   * @throws JuteError 'truncated' or 'negative-length' when that is not a packet.
   */
  read(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (end - start < HEADER_BYTES + COUNT_BYTES) throw truncated();
    const data = view.getInt32(start + 12);
    if (data < -1) throw negative(data);
    const dataStart = start + HEADER_BYTES;
    const dataEnd = data < 0 ? dataStart : dataStart + data;
    if (end - dataEnd < COUNT_BYTES) throw truncated();
    const count = view.getInt32(dataEnd);
    if (count < -1) throw negative(count);
    this.type = view.getInt32(start);
    this.zxid = view.getInt32(start + 4) * TWO_32 + view.getUint32(start + 8);
    this.dataStart = dataStart;
    this.dataEnd = dataEnd;
    this.dataIsNull = data < 0;
    this.authinfoCount = count;
    this.authinfoStart = dataEnd + COUNT_BYTES;
    this.#bytes = bytes;
    this.#view = view;
    this.#end = end;
  }

  /** The data as a view into the packet's bytes; null for null data. Allocates the view. */
  data(): Uint8Array | null {
    return this.dataIsNull ? null : this.#bytes.subarray(this.dataStart, this.dataEnd);
  }

  /** Offset just past the last identity, where the packet ends. */
  get authinfoEnd(): number {
    return this.#end;
  }

  /** The identities, decoded now; null when the list is null. A null string reads as an empty one. */
  identities(): Identity[] | null {
    if (this.authinfoCount < 0) return null;
    const list: Identity[] = [];
    let at = this.authinfoStart;
    for (let i = 0; i < this.authinfoCount; i++) {
      const schemeEnd = this.#stringEnd(at);
      const idEnd = this.#stringEnd(schemeEnd);
      list.push({
        scheme: decodeUtf8(this.#bytes, at + 4, schemeEnd),
        id: decodeUtf8(this.#bytes, schemeEnd + 4, idEnd),
      });
      at = idEnd;
    }
    return list;
  }

  #stringEnd(at: number): number {
    if (at + 4 > this.#end) throw truncated();
    const length = this.#view.getInt32(at);
    if (length < -1) throw negative(length);
    const end = at + 4 + (length < 0 ? 0 : length);
    if (end > this.#end) throw truncated();
    return end;
  }
}

/** Appends a packet with data `data[start, end)`, or with null data, and with null authinfo. */
export function writePacket(
  out: Writer,
  type: number,
  zxid: number,
  data: Uint8Array | null = null,
  start = 0,
  end: number = data === null ? 0 : data.length,
): void {
  out.int(type);
  out.long(zxid);
  if (data === null) {
    out.int(-1);
  } else {
    out.int(end - start);
    out.raw(data, start, end);
  }
  out.int(-1);
}

/** Begins a packet whose data is what the caller writes next; returns what `endPacket` needs. */
export function beginPacket(out: Writer, type: number, zxid: number): number {
  out.int(type);
  out.long(zxid);
  out.int(0);
  return out.length;
}

/** As `endPacket`, with the authinfo as bytes that were encoded before, its count included. */
export function endPacketWith(out: Writer, at: number, authinfo: Uint8Array): void {
  out.view.setInt32(at - 4, out.length - at);
  out.raw(authinfo);
}

/** The authinfo of a packet, as `endPacketWith` takes it. */
export function encodeAuthinfo(identities: readonly Identity[]): Uint8Array {
  const out = new Writer(64);
  out.int(identities.length);
  for (const identity of identities) {
    out.string(identity.scheme);
    out.string(identity.id);
  }
  return out.toBytes();
}

/** Ends the packet begun at `at`: fills in the length of its data and appends the authinfo, null unless given. */
export function endPacket(out: Writer, at: number, identities: readonly Identity[] | null = null): void {
  out.view.setInt32(at - 4, out.length - at);
  if (identities === null) {
    out.int(-1);
    return;
  }
  out.int(identities.length);
  for (const identity of identities) {
    out.string(identity.scheme);
    out.string(identity.id);
  }
}

function checkedLength(length: number, limit: number): number {
  if (length < -1) throw negative(length);
  if (length > limit) throw overLimit(length, limit);
  return length;
}

function negative(length: number): JuteError {
  return new JuteError('negative-length', `length ${length} in a quorum packet is negative`);
}

function overLimit(length: number, limit: number): JuteError {
  return new JuteError('over-limit', `${length} bytes in a quorum packet are above the limit of ${limit}`);
}

function truncated(): JuteError {
  return new JuteError('truncated', 'a quorum packet ends inside a field');
}
