import { JuteError, packetLength, quorumPacketNameOf } from '@headkeeper/protocol';

interface Sign {
  readonly type: number;
  readonly zxid: number;
  readonly atMs: number;
}

const TWO_32 = 4294967296;

/** The last packets that went each way between this server and another: what is told when they lose each other (`messageTracker.*`). */
export class PacketTrail {
  readonly #kept: number;
  readonly #limit: number;
  readonly #received: Sign[] = [];
  readonly #sent: Sign[] = [];

  /** `kept`: packets remembered of each way; `limit`: the most bytes of a packet's data. */
  constructor(kept: number, limit: number) {
    this.#kept = kept;
    this.#limit = limit;
  }

  received(type: number, zxid: number, atMs: number): void {
    this.#keep(this.#received, { type, zxid, atMs });
  }

  /** Packets have left; a state that is sent among them is not gone through. */
  sent(bytes: Uint8Array, length: number, atMs: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      for (let at = 0; at < length; ) {
        const count = packetLength(view, at, length, this.#limit);
        const type = count === 0 ? 0 : view.getInt32(at);
        if (quorumPacketNameOf(type) === undefined) return;
        this.#keep(this.#sent, { type, zxid: view.getInt32(at + 4) * TWO_32 + view.getUint32(at + 8), atMs });
        at += count;
      }
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
    }
  }

  /** What is remembered, newest first: type, zxid, and how long ago. */
  text(nowMs: number): string {
    const list = (signs: readonly Sign[]): string =>
      signs.length === 0
        ? 'nothing'
        : [...signs]
            .reverse()
            .map((sign) => signText(sign, nowMs))
            .join(', ');
    return `received ${list(this.#received)}; sent ${list(this.#sent)}`;
  }

  #keep(signs: Sign[], sign: Sign): void {
    signs.push(sign);
    if (signs.length > this.#kept) signs.shift();
  }
}

function signText({ type, zxid, atMs }: Sign, nowMs: number): string {
  const name = quorumPacketNameOf(type) ?? String(type);
  return `${name}${zxid > 0 ? ` 0x${zxid.toString(16)}` : ''} ${nowMs - atMs} ms ago`;
}
