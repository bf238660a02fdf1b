import { packetLength, QuorumPacket } from '@headkeeper/protocol';

const PACKET_LIMIT = 1 << 22;

/** A packet that the member has sent. */
export interface SentPacket {
  readonly type: number;
  readonly zxid: number;
  /** Null for null data. */
  readonly data: Uint8Array | null;
  readonly identities: readonly { readonly scheme: string; readonly id: string }[] | null;
  readonly bytes: Uint8Array;
}

/** The other end of a link, as far as a test sees it. */
export class TestLink {
  readonly id: number;
  readonly kind: 'leader' | 'learner';
  closed = false;
  #sent: Uint8Array = new Uint8Array(0);

  constructor(id: number, kind: 'leader' | 'learner') {
    this.id = id;
    this.kind = kind;
  }

  sent(bytes: Uint8Array): void {
    const both = new Uint8Array(this.#sent.length + bytes.length);
    both.set(this.#sent);
    both.set(bytes, this.#sent.length);
    this.#sent = both;
  }

  /** All bytes sent since the last call. */
  takeBytes(): Uint8Array {
    const bytes = this.#sent;
    this.#sent = new Uint8Array(0);
    return bytes;
  }

  /** Whole packets sent since the last call; bytes that are no packets must be taken by `takeBytes`. */
  take(): SentPacket[] {
    const packets: SentPacket[] = [];
    const bytes = this.#sent;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at < bytes.length) {
      const length = packetLength(view, at, bytes.length, PACKET_LIMIT);
      if (length === 0) throw new Error('half a packet was sent');
      const packet = new QuorumPacket();
      packet.read(bytes, view, at, at + length);
      packets.push({
        type: packet.type,
        zxid: packet.zxid,
        data: packet.data(),
        identities: packet.identities(),
        bytes: bytes.subarray(at, at + length),
      });
      at += length;
    }
    this.#sent = new Uint8Array(0);
    return packets;
  }
}
