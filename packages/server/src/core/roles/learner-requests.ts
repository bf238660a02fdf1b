import {
  beginPacket,
  endPacket,
  type Identity,
  JuteError,
  OpCode,
  type QuorumPacket,
  QuorumPacketType,
  Reader,
} from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { PeerLink } from '../peer-link.ts';
import type { Stage } from '../stage.ts';
import { type LearnerHandler, MORE_SESSIONS } from '../zab/learner-handler.ts';
import type { QuorumWrites } from './quorum-writes.ts';

/** A session's id and timeout. */
const SESSION_TOUCH_BYTES = 12;

/** The leader, as what its learners ask sees it. */
export interface LearnerRequestsOwner {
  isEstablished(): boolean;
  /** Whether no new txns are made, because another server is to lead. */
  isHandingOver(): boolean;
  /** Sends out what has been proposed. */
  announce(): void;
  drop(handler: LearnerHandler, reason: string): void;
}

/** What learners ask of a leader for their clients (quorum-protocol reference, 9 to 11). */
export class LearnerRequests {
  readonly #stage: Stage;
  readonly #writes: QuorumWrites;
  readonly #owner: LearnerRequestsOwner;
  #known: readonly Identity[] = [];
  #knownBytes: Uint8Array = new Uint8Array(0);
  readonly #reader: Reader = new Reader(new Uint8Array(0));

  constructor(stage: Stage, writes: QuorumWrites, owner: LearnerRequestsOwner) {
    this.#stage = stage;
    this.#writes = writes;
    this.#owner = owner;
  }

  /** A request of one of its clients. */
  request(handler: LearnerHandler): void {
    const { link } = handler;
    const { packet, bytes, view } = link;
    const { dataStart, dataEnd } = packet;
    if (!this.#owner.isEstablished() || handler.stage !== 'live') return;
    // Nothing comes of it: the learner knows so when this leader is gone.
    if (this.#owner.isHandingOver()) return;
    if (dataEnd - dataStart < 16) {
      this.#owner.drop(handler, 'it forwarded a request without a head');
      return;
    }
    const { outstanding, outstandingBytes } = this.#stage.pipeline.proposals;
    if (outstanding >= limits.forwardedTxns || outstandingBytes >= limits.forwardedBytes) {
      this.#owner.drop(handler, 'it forwards more than can be under way');
      return;
    }
    const idHigh = view.getInt32(dataStart);
    const idLow = view.getInt32(dataStart + 4);
    const cxid = view.getInt32(dataStart + 8);
    const opcode = view.getInt32(dataStart + 12);
    if (opcode === OpCode.sync) {
      if (this.#asksTooMuch(handler)) return;
      this.#writes.syncFor(handler);
      return;
    }
    const r = this.#reader;
    r.reset(bytes, view, dataStart + 16, dataEnd);
    try {
      this.#writes.forwarded(handler.sid, idHigh, idLow, cxid, opcode, r, this.#identities(packet, bytes));
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.#owner.drop(handler, `it forwarded what cannot be read: ${error.message}`);
    }
  }

  /** Whether so many questions wait for the leader's word that whoever asks another is dropped. */
  #asksTooMuch(handler: LearnerHandler): boolean {
    if (this.#writes.learnersWaiting < limits.learnerQuestions) return false;
    this.#owner.drop(handler, 'it asks more than can be answered');
    return true;
  }

  /** Whoever asks; clients of one machine often have the same identities, which are then decoded once. */
  #identities(packet: QuorumPacket, bytes: Uint8Array): readonly Identity[] {
    const { authinfoStart, authinfoEnd } = packet;
    const known = this.#knownBytes;
    let same = packet.authinfoCount >= 0 && authinfoEnd - authinfoStart === known.length;
    for (let i = 0; same && i < known.length; i++) same = known[i] === bytes[authinfoStart + i];
    if (same && packet.authinfoCount === this.#known.length) return this.#known;
    this.#known = packet.identities() ?? [];
    this.#knownBytes = new Uint8Array(bytes.subarray(authinfoStart, authinfoEnd));
    return this.#known;
  }

  /** The answer to a ping: sessions that its clients have been heard with. */
  pong(handler: LearnerHandler): void {
    const { link } = handler;
    const { dataStart, dataEnd, dataIsNull } = link.packet;
    if (dataIsNull) return;
    if (handler.stage === 'live' && link.packet.zxid !== MORE_SESSIONS) handler.pongs++;
    if (!this.#owner.isEstablished()) return;
    for (let at = dataStart; at + SESSION_TOUCH_BYTES <= dataEnd; at += SESSION_TOUCH_BYTES) {
      this.#writes.touchRemote(link.view.getInt32(at), link.view.getInt32(at + 4), link.view.getInt32(at + 8));
    }
  }

  /** A client goes on with its session there. */
  revalidate(handler: LearnerHandler): void {
    const { link } = handler;
    const { view, packet } = link;
    const { dataStart, dataEnd } = packet;
    if (dataEnd - dataStart < 12) {
      this.#owner.drop(handler, 'it asked for a session without naming it');
      return;
    }
    const idHigh = view.getInt32(dataStart);
    const idLow = view.getInt32(dataStart + 4);
    const timeoutMs = view.getInt32(dataStart + 8);
    this.#stage.statistics.revalidations++;
    const { zxid } = packet;
    if (this.#asksTooMuch(handler)) return;
    const closing = this.#owner.isEstablished() ? this.#writes.closingSession(idHigh, idLow) : null;
    if (closing !== null) {
      if ((closing.whenClosed?.length ?? 0) >= limits.learnerQuestions) this.#owner.drop(handler, 'it asks too often');
      else this.#writes.onceClosed(closing, () => this.#revalidated(link, zxid, idHigh, idLow, false));
      return;
    }
    if (!this.#owner.isEstablished()) this.#revalidated(link, zxid, idHigh, idLow, false);
    else if (this.#writes.moveSession(idHigh, idLow, timeoutMs, handler.sid)) {
      this.#revalidated(link, zxid, idHigh, idLow, true);
    } else this.#writes.onceConfirmed(() => this.#revalidated(link, zxid, idHigh, idLow, false));
  }

  #revalidated(link: PeerLink, zxid: number, idHigh: number, idLow: number, isValid: boolean): void {
    if (link.closed) return;
    // What the session's former server has asked for goes out before the answer, so that the new one can tell them apart.
    this.#owner.announce();
    const { out } = link;
    const at = beginPacket(out, QuorumPacketType.revalidate, zxid);
    out.longHalves(idHigh, idLow);
    out.boolean(isValid);
    endPacket(out, at);
    this.#stage.send(link);
  }
}
