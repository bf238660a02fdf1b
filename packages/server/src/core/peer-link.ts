import { packetLength, QuorumPacket, Writer } from '@headkeeper/protocol';
import { invariant } from './invariants.ts';
import type { PacketTrail } from './packet-trail.ts';
import type { Observations } from './statistics/observations.ts';

const INITIAL_BYTES = 4096;
const KEEP_INPUT_BYTES = 1 << 20;
const NO_BYTES = new Uint8Array(0);

/** Which end this server is: of a `leader` link it is the learner. */
export type PeerLinkKind = 'leader' | 'learner';

/** A 64-bit integer in a packet, exact within ±2^53. */
export function longAt(view: DataView, at: number): number {
  return view.getInt32(at) * 4294967296 + view.getUint32(at + 4);
}

/** Hears what a link receives. */
export interface PacketHandler {
  /** Whether the next bytes are no packets: the state that follows SNAP. */
  readonly takesRaw: boolean;
  /** Takes such bytes; returns how many of them it was. */
  raw(bytes: Uint8Array): number;
  /** Handles `link.packet`. */
  packet(link: PeerLink): void;
}

/** A stream to or from another server's quorum port, as the core sees it: packets in, packets out. */
export class PeerLink {
  readonly id: number;
  readonly kind: PeerLinkKind;
  /** The peer's address, for the log and the operators' commands. */
  readonly address: string;
  /** Packets that have not been handed to the network. The driver empties it. */
  readonly out: Writer = new Writer(INITIAL_BYTES);
  /**
   * What must be on stable storage before `out` may leave: everything up to a zxid, and epochs. An acknowledgement is never
   * written before its record is durable; the driver checks it once more (law 30).
   */
  needsZxid = 0;
  needsAcceptedEpoch = 0;
  needsCurrentEpoch = 0;
  dirty = false;
  /** When the oldest of what is in `out` was written, if that is known; monotonic milliseconds. */
  queuedMs = 0;
  /** Where it is noted how long that waits for the network; null until the peer is known. */
  sendDelay: Observations | null = null;
  /** Whether it is to be closed, or is: nothing more is read or written. */
  closed = false;
  /** Whether what was written before it was closed still leaves. */
  finishes = false;
  /** While the core waits for the disk, packets stay where they are. */
  held = false;
  /** Remembers its last packets; null unless that is wanted. */
  trail: PacketTrail | null = null;
  readonly openedMs: number;
  lastHeardMs: number;
  #input: Uint8Array = NO_BYTES;
  #inputLength = 0;
  readonly packet: QuorumPacket = new QuorumPacket();
  /** The packet's memory, while it is handled. */
  bytes: Uint8Array = NO_BYTES;
  view: DataView = new DataView(NO_BYTES.buffer);
  readonly #limit: number;

  /** `limit`: the most bytes that the data of a packet may have. */
  constructor(id: number, kind: PeerLinkKind, address: string, nowMs: number, limit: number) {
    this.id = id;
    this.kind = kind;
    this.address = address;
    this.openedMs = nowMs;
    this.lastHeardMs = nowMs;
    this.#limit = limit;
  }

  /**
   * Takes bytes in and hands out each whole packet, until the link is closed or held; what is left waits.
   *
   * @throws JuteError when a packet has an impossible length.
   */
  receive(bytes: Uint8Array, handler: PacketHandler): void {
    if (this.closed) return;
    if (this.#inputLength > 0 || this.held) {
      this.#keep(bytes, 0);
      this.resume(handler);
      return;
    }
    const consumed = this.#consume(bytes, bytes.length, handler);
    if (consumed < bytes.length && !this.closed) this.#keep(bytes, consumed);
  }

  /** Bytes that wait. */
  get waitingBytes(): number {
    return this.#inputLength;
  }

  /** Goes on with what waits. */
  resume(handler: PacketHandler): void {
    if (this.closed || this.held) return;
    const input = this.#input;
    const length = this.#inputLength;
    const consumed = this.#consume(input, length, handler);
    if (this.closed) return;
    invariant(input === this.#input, 'nothing is received while packets are handled');
    input.copyWithin(0, consumed, length);
    this.#inputLength = length - consumed;
    if (this.#inputLength === 0 && input.length > KEEP_INPUT_BYTES) this.#input = NO_BYTES;
  }

  #consume(input: Uint8Array, length: number, handler: PacketHandler): number {
    let at = 0;
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    while (at < length && !this.closed && !this.held) {
      if (handler.takesRaw) {
        at += handler.raw(input.subarray(at, length));
        continue;
      }
      const count = packetLength(view, at, length, this.#limit);
      if (count === 0) break;
      this.bytes = input;
      this.view = view;
      this.packet.read(input, view, at, at + count);
      at += count;
      if (this.trail !== null) this.trail.received(this.packet.type, this.packet.zxid, this.lastHeardMs);
      handler.packet(this);
    }
    return at;
  }

  #keep(bytes: Uint8Array, from: number): void {
    const need = this.#inputLength + bytes.length - from;
    if (need > this.#input.length) {
      const larger = new Uint8Array(Math.max(need, this.#input.length * 2, INITIAL_BYTES));
      larger.set(this.#input.subarray(0, this.#inputLength));
      this.#input = larger;
    }
    this.#input.set(bytes.subarray(from), this.#inputLength);
    this.#inputLength = need;
  }
}
