import type { PassOn, StreamTap } from '../network/stream-tap.ts';

/** Packet types of the quorum port by name (quorum-protocol reference, 2), and `vote` for whatever the election port carries. */
export const Packet = {
  /** In rules: whatever the quorum port carries. */
  any: -2,
  vote: -1,
  request: 1,
  proposal: 2,
  ack: 3,
  commit: 4,
  ping: 5,
  newLeader: 10,
  followerInfo: 11,
  upToDate: 12,
  diff: 13,
  trunc: 14,
  snap: 15,
  observerInfo: 16,
  leaderInfo: 17,
  ackEpoch: 18,
} as const;

/** A packet that is about to leave. */
export interface Seen {
  readonly type: number;
  readonly zxid: number;
  /** What is changed here leaves changed. */
  readonly bytes: Uint8Array;
}

/** What becomes of a packet. `hold`: it waits, and all behind it. `swap`: the next packet overtakes it. */
export type Verdict =
  | 'pass'
  | 'hold'
  | 'swap'
  /** The stream dies behind so many bytes, counted from the packet's first; what it announces counts, too. */
  | { readonly cutAfter: number; readonly whenCut: () => void };

export type Decide = (packet: Seen, gate: PacketGate) => Verdict;

const TWO_32 = 4294967296;
const HEAD_BYTES = 12;
/** What ends a state in a stream: the string "BenWasHere". */
const SIGNATURE = [0, 0, 0, 10, 0x42, 0x65, 0x6e, 0x57, 0x61, 0x73, 0x48, 0x65, 0x72, 0x65];
const NO_BYTES = new Uint8Array(0);

/** Lets one direction of a stream between servers through packet by packet, as the script says. */
export class PacketGate implements StreamTap {
  readonly #base: StreamTap | null;
  readonly isElection: boolean;
  readonly #decide: Decide;
  #bytes: Uint8Array = NO_BYTES;
  #pass: PassOn = () => {};
  #held = false;
  #inState = false;
  /** A packet that the next one overtakes. */
  #late: Uint8Array | null = null;
  /** Bytes that may still pass before the stream dies. */
  #budget: number = Number.POSITIVE_INFINITY;
  #whenCut: () => void = () => {};

  constructor(base: StreamTap | null, isElection: boolean, decide: Decide) {
    this.#base = base;
    this.isElection = isElection;
    this.#decide = decide;
  }

  written(bytes: Uint8Array, start: number, end: number): void {
    this.#base?.written(bytes, start, end);
  }

  closed(): void {
    this.#base?.closed();
  }

  divert(bytes: Uint8Array, start: number, end: number, pass: PassOn): void {
    this.#pass = pass;
    const joined = new Uint8Array(this.#bytes.length + end - start);
    joined.set(this.#bytes);
    joined.set(bytes.subarray(start, end), this.#bytes.length);
    this.#bytes = joined;
    if (!this.#held) this.#drain();
  }

  /** What was held goes on its way. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#forward(this.#packetLength());
    this.#drain();
  }

  #drain(): void {
    while (this.#bytes.length > 0) {
      if (this.#inState) {
        if (!this.#forwardState()) return;
        continue;
      }
      const length = this.#packetLength();
      if (length === 0) return;
      const verdict = this.#decide(this.#seen(length), this);
      if (verdict === 'hold') {
        this.#held = true;
        return;
      }
      if (verdict === 'swap') {
        this.#late = this.#bytes.slice(0, length);
        this.#bytes = this.#bytes.subarray(length);
        continue;
      }
      if (verdict !== 'pass') {
        this.#budget = verdict.cutAfter;
        this.#whenCut = verdict.whenCut;
        if (this.#budget === 0) this.#cut();
      }
      this.#forward(length);
    }
  }

  #seen(length: number): Seen {
    const bytes = this.#bytes.subarray(0, length);
    if (this.isElection) return { type: Packet.vote, zxid: 0, bytes };
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return { type: view.getInt32(0), zxid: view.getInt32(4) * TWO_32 + view.getUint32(8), bytes };
  }

  #forward(length: number): void {
    const isState = !this.isElection && this.#bytes[3] === Packet.snap;
    this.#send(this.#bytes.subarray(0, length));
    this.#bytes = this.#bytes.subarray(length);
    this.#inState = isState;
    const late = this.#late;
    this.#late = null;
    if (late !== null) this.#send(late);
  }

  #send(bytes: Uint8Array): void {
    const count = Math.min(bytes.length, this.#budget);
    if (count > 0) this.#pass(bytes, 0, count);
    if (this.#budget === Number.POSITIVE_INFINITY || this.#budget === 0) return;
    this.#budget -= count;
    if (this.#budget === 0) this.#cut();
  }

  #cut(): void {
    this.#budget = 0;
    const whenCut = this.#whenCut;
    this.#whenCut = () => {};
    whenCut();
  }

  /** Passes on what belongs to a state; false when more of it is to come. */
  #forwardState(): boolean {
    const bytes = this.#bytes;
    for (let at = 0; at + SIGNATURE.length <= bytes.length; at++) {
      if (!SIGNATURE.every((byte, i) => bytes[at + i] === byte)) continue;
      this.#send(bytes.subarray(0, at + SIGNATURE.length));
      this.#bytes = bytes.subarray(at + SIGNATURE.length);
      this.#inState = false;
      return true;
    }
    const sure = Math.max(0, bytes.length - SIGNATURE.length + 1);
    if (sure > 0) this.#send(bytes.subarray(0, sure));
    this.#bytes = bytes.subarray(sure);
    return false;
  }

  /** Bytes of the packet that comes next; 0 when it is not complete. The election port is taken write by write. */
  #packetLength(): number {
    const bytes = this.#bytes;
    if (this.isElection) return bytes.length;
    if (bytes.length < HEAD_BYTES + 4) return 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = HEAD_BYTES + 4 + Math.max(0, view.getInt32(HEAD_BYTES));
    if (at + 4 > bytes.length) return 0;
    const strings = Math.max(0, view.getInt32(at)) * 2;
    at += 4;
    for (let i = 0; i < strings; i++) {
      if (at + 4 > bytes.length) return 0;
      at += 4 + Math.max(0, view.getInt32(at));
    }
    return at <= bytes.length ? at : 0;
  }
}
