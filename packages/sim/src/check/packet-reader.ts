import { zxidText } from './violation.ts';

/** The packet types that the laws look at (quorum-protocol reference, 2). */
export const PacketType = {
  proposal: 2,
  ack: 3,
  commit: 4,
  inform: 8,
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

/** Names for people who read a trace. */
const NAMES: Readonly<Record<number, string>> = {
  1: 'REQUEST',
  2: 'PROPOSAL',
  3: 'ACK',
  4: 'COMMIT',
  5: 'PING',
  6: 'REVALIDATE',
  7: 'SYNC',
  8: 'INFORM',
  9: 'COMMITANDACTIVATE',
  10: 'NEWLEADER',
  11: 'FOLLOWERINFO',
  12: 'UPTODATE',
  13: 'DIFF',
  14: 'TRUNC',
  15: 'SNAP',
  16: 'OBSERVERINFO',
  17: 'LEADERINFO',
  18: 'ACKEPOCH',
  19: 'INFORMANDACTIVATE',
};

/** A packet in a trace. */
export function packetText({ type, zxid }: PacketReader): string {
  const name = NAMES[type] ?? `packet ${type}`;
  return zxid >= 0 ? `${name} ${zxidText(zxid)}` : name;
}

const TWO_32 = 4294967296;
/** Type and zxid. */
const HEAD_BYTES = 12;
/** What ends a snapshot in a stream: the string "BenWasHere". */
const SIGNATURE = [0, 0, 0, 10, 0x42, 0x65, 0x6e, 0x57, 0x61, 0x73, 0x48, 0x65, 0x72, 0x65];

/**
 * Cuts one direction of a stream between servers into packets. Written for the tests alone, so that a mistake in the server's
 * own codec shows.
 */
export class PacketReader {
  #bytes: Uint8Array = new Uint8Array(1024);
  #view: DataView = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  #inSnapshot = false;
  /** Of the packet that `next` has found. */
  type = 0;
  zxid = 0;
  dataStart = 0;
  dataEnd = 0;

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    if (this.#start > 0) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end + count > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#end + count));
      larger.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#bytes.set(bytes.subarray(start, end), this.#end);
    this.#end += count;
  }

  /** Whether there is another whole packet; the fields tell what it is. */
  next(): boolean {
    if (this.#inSnapshot && !this.#skipSnapshot()) return false;
    const at = this.#start;
    if (this.#end - at < HEAD_BYTES + 4) return false;
    this.type = this.#view.getInt32(at);
    this.zxid = this.#view.getInt32(at + 4) * TWO_32 + this.#view.getUint32(at + 8);
    const length = Math.max(0, this.#view.getInt32(at + HEAD_BYTES));
    this.dataStart = at + HEAD_BYTES + 4;
    this.dataEnd = this.dataStart + length;
    const end = this.#endOfIdentities(this.dataEnd);
    if (end === 0) return false;
    this.#start = end;
    this.#inSnapshot = this.type === PacketType.snap;
    return true;
  }

  #endOfIdentities(start: number): number {
    if (start + 4 > this.#end) return 0;
    let at = start + 4;
    for (let strings = Math.max(0, this.#view.getInt32(start)) * 2; strings > 0; strings--) {
      if (at + 4 > this.#end) return 0;
      at += 4 + Math.max(0, this.#view.getInt32(at));
    }
    return at <= this.#end ? at : 0;
  }

  #skipSnapshot(): boolean {
    for (; this.#start + SIGNATURE.length <= this.#end; this.#start++) {
      let i = 0;
      while (i < SIGNATURE.length && this.#bytes[this.#start + i] === SIGNATURE[i]) i++;
      if (i < SIGNATURE.length) continue;
      this.#start += SIGNATURE.length;
      this.#inSnapshot = false;
      return true;
    }
    return false;
  }
}
