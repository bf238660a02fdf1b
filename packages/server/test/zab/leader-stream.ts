import { packetLength, QuorumPacket, QuorumPacketType } from '@headkeeper/protocol';
import { Database } from '../../src/core/database.ts';
import { SnapshotDecoder } from '../../src/core/log/snapshot-decoder.ts';
import { RecoveredState } from '../../src/core/recovered-state.ts';
import type { CoreSettings } from '../../src/core/settings.ts';

const LIMIT = 1 << 22;

/** What a leader has sent: a packet, or the state behind SNAP, decoded. */
export interface Sent {
  readonly type: number;
  readonly zxid: number;
  readonly data: Uint8Array | null;
  readonly bytes: Uint8Array;
  /** Behind SNAP. */
  readonly state: Database | null;
}

/** Cuts what a leader sends into packets, as a learner does: SNAP switches to a state, and its signature back. */
export class LeaderStream {
  readonly #settings: CoreSettings;
  #rest: Uint8Array = new Uint8Array(0);
  #snap: { readonly packet: Sent; readonly state: RecoveredState; readonly decoder: SnapshotDecoder } | null = null;

  constructor(settings: CoreSettings) {
    this.#settings = settings;
  }

  /** Whether no half packet, and no half state, waits for its end. */
  get isWhole(): boolean {
    return this.#rest.length === 0 && this.#snap === null;
  }

  push(bytes: Uint8Array): Sent[] {
    const found: Sent[] = [];
    this.#rest = new Uint8Array(Buffer.concat([this.#rest, bytes]));
    while (this.#rest.length > 0) {
      if (this.#snap !== null) {
        const { packet, state, decoder } = this.#snap;
        decoder.push(this.#rest);
        if (!decoder.isComplete) {
          this.#rest = new Uint8Array(0);
          break;
        }
        this.#rest = decoder.rest.slice();
        state.loaded(packet.zxid, null);
        found.push({ ...packet, state: state.database });
        this.#snap = null;
        continue;
      }
      const view = new DataView(this.#rest.buffer, this.#rest.byteOffset, this.#rest.byteLength);
      const length = packetLength(view, 0, this.#rest.length, LIMIT);
      if (length === 0) break;
      const packet = new QuorumPacket();
      packet.read(this.#rest, view, 0, length);
      const { type, zxid } = packet;
      const sent: Sent = { type, zxid, data: packet.data(), bytes: this.#rest.slice(0, length), state: null };
      this.#rest = this.#rest.slice(length);
      if (type !== QuorumPacketType.snap) found.push(sent);
      else {
        const state = new RecoveredState(new Database(this.#settings));
        this.#snap = { packet: sent, state, decoder: new SnapshotDecoder(state, LIMIT, true) };
      }
    }
    return found;
  }
}
