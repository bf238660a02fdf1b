import { Session } from '../connection.ts';
import { ExpiryQueue } from './expiry.ts';
import { sessionIdText } from './sessions.ts';

/**
 * Sessions that only this server knows: they cost the ensemble no write, own no ephemerals, and end with this server
 * (quorum-protocol reference, 10). Also those of clients of a server that is cut off and serves reads only.
 */
export class LocalSessions {
  readonly #byId: Map<string, Session> = new Map();
  readonly #bySlot: (Session | null)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #expiry: ExpiryQueue;

  constructor(tickTimeMs: number) {
    this.#expiry = new ExpiryQueue(tickTimeMs);
  }

  get size(): number {
    return this.#byId.size;
  }

  find(idHigh: number, idLow: number): Session | null {
    return this.#byId.size === 0 ? null : (this.#byId.get(sessionIdText(idHigh, idLow)) ?? null);
  }

  create(idHigh: number, idLow: number, timeoutMs: number, nowMs: number): Session {
    const slot = this.#freeSlots.pop() ?? this.#bySlot.length;
    const session = new Session(slot, idHigh, idLow, timeoutMs);
    session.isLocal = true;
    this.#byId.set(sessionIdText(idHigh, idLow), session);
    this.#bySlot[slot] = session;
    this.touch(session, nowMs, timeoutMs);
    return session;
  }

  touch(session: Session, nowMs: number, timeoutMs: number): void {
    this.#expiry.touch(session.slot, nowMs, timeoutMs);
  }

  remove(session: Session): void {
    if (this.#bySlot[session.slot] !== session) return;
    this.#expiry.remove(session.slot);
    this.#byId.delete(sessionIdText(session.idHigh, session.idLow));
    this.#bySlot[session.slot] = null;
    this.#freeSlots.push(session.slot);
  }

  /** Takes out the sessions that have not been heard of in time, and returns them. */
  expire(nowMs: number): Session[] {
    const expired: Session[] = [];
    if (this.#byId.size === 0) return expired;
    for (const slot of this.#expiry.expire(nowMs)) {
      const session = this.#bySlot[slot] ?? null;
      if (session !== null) expired.push(session);
    }
    for (const session of expired) this.remove(session);
    return expired;
  }

  forEach(visit: (session: Session) => void): void {
    for (const session of this.#byId.values()) visit(session);
  }
}
