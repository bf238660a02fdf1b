/** One end of a connection between servers that sends any bytes, and reads packets as far as it has to. */

import { connect, type Socket } from 'node:net';
import { packetLength, QuorumPacket, QuorumPacketType } from '@headkeeper/protocol';
import { JUTE_MAX } from './mutations.ts';
import { Violation } from './raw-connection.ts';

/** What ends a state that is being sent. */
const STATE_END = 'BenWasHere';
const MOST_WAIT_MS = 10_000;
const PACKET_LIMIT = 2 * JUTE_MAX;

export class PeerConnection {
  readonly #socket: Socket;
  readonly #packet: QuorumPacket = new QuorumPacket();
  /** Types of the packets that have come, with their zxids. */
  readonly #heard: Map<number, number> = new Map();
  #input: Buffer = Buffer.alloc(0);
  #isInState = false;
  #isDeaf: boolean;
  #closed = false;
  #wake: () => void = () => {};

  /** `readsPackets`: whether it is a quorum port; of an election port nothing is looked at. */
  constructor(socket: Socket, readsPackets: boolean) {
    this.#socket = socket.setNoDelay();
    this.#isDeaf = !readsPackets;
    socket.on('data', (bytes) => this.#arrived(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static to(port: number, localAddress: string, readsPackets: boolean): PeerConnection {
    return new PeerConnection(connect({ port, host: '127.0.0.1', localAddress }), readsPackets);
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  send(bytes: Uint8Array): void {
    if (!this.#closed) this.#socket.write(bytes);
  }

  /** The zxid of the first such packet; null when the connection ends, or none comes in time. */
  async hear(type: number, ms: number): Promise<number | null> {
    await this.#until(() => this.#heard.has(type) || this.#closed, ms);
    return this.#heard.get(type) ?? null;
  }

  /** Says that nothing more comes, and waits until the server closes, which it has to: a peer that is half gone is gone. */
  async leave(): Promise<void> {
    this.#isDeaf = true;
    this.#socket.end();
    if (await this.#until(() => this.#closed, MOST_WAIT_MS)) return;
    this.#socket.resetAndDestroy();
    throw new Violation('a connection of a peer that has gone does not end');
  }

  destroy(): void {
    this.#socket.resetAndDestroy();
  }

  #arrived(bytes: Buffer): void {
    if (this.#isDeaf) return;
    this.#input = Buffer.concat([this.#input, bytes]);
    for (;;) {
      if (this.#isInState) {
        const end = this.#input.indexOf(STATE_END);
        if (end < 0) return;
        this.#input = this.#input.subarray(end + STATE_END.length);
        this.#isInState = false;
      }
      const view = new DataView(this.#input.buffer, this.#input.byteOffset, this.#input.byteLength);
      const length = packetLength(view, 0, this.#input.length, PACKET_LIMIT);
      if (length === 0) break;
      this.#packet.read(this.#input, view, 0, length);
      const { type, zxid } = this.#packet;
      if (!this.#heard.has(type)) this.#heard.set(type, zxid);
      this.#isInState = type === QuorumPacketType.snap;
      this.#input = this.#input.subarray(length);
    }
    this.#wake();
  }

  /** Whether it came to hold in time. */
  async #until(holds: () => boolean, ms: number): Promise<boolean> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, ms);
    while (!holds() && !late) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(timer);
    return holds();
  }
}
