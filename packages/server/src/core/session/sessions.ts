import { Session } from '../connection.ts';
import { invariant } from '../invariants.ts';

/** `0x` and the 64-bit id in hexadecimal, as operators write session ids. */
export function sessionIdText(idHigh: number, idLow: number): string {
  const high = (idHigh >>> 0).toString(16);
  const low = (idLow >>> 0).toString(16);
  return high === '0' ? `0x${low}` : `0x${high}${low.padStart(8, '0')}`;
}

/** The live sessions, found by id. */
export class SessionTable {
  readonly #byLow: Map<number, Session> = new Map();
  readonly #bySlot: (Session | null)[] = [];
  readonly #freeSlots: number[] = [];
  /** Ephemerals whose session is not in the table, by id text; only between loading a snapshot and the end of replay. */
  readonly #orphans: Map<string, Set<number>> = new Map();
  #count = 0;

  get size(): number {
    return this.#count;
  }

  find(idHigh: number, idLow: number): Session | null {
    let session = this.#byLow.get(idLow) ?? null;
    while (session !== null && session.idHigh !== idHigh) session = session.nextSameLow;
    return session;
  }

  at(slot: number): Session | null {
    return this.#bySlot[slot] ?? null;
  }

  /** Adds a session, or returns the one that is there already (a fuzzy snapshot can be ahead of the log). */
  add(idHigh: number, idLow: number, timeoutMs: number): Session {
    const known = this.find(idHigh, idLow);
    if (known !== null) return known;
    const slot = this.#freeSlots.pop() ?? this.#bySlot.length;
    const session = new Session(slot, idHigh, idLow, timeoutMs);
    session.nextSameLow = this.#byLow.get(idLow) ?? null;
    this.#byLow.set(idLow, session);
    this.#bySlot[slot] = session;
    this.#count++;
    const orphans = this.#orphans.get(sessionIdText(idHigh, idLow));
    if (orphans !== undefined) {
      session.ephemerals = orphans;
      this.#orphans.delete(sessionIdText(idHigh, idLow));
    }
    return session;
  }

  remove(session: Session): void {
    invariant(this.#bySlot[session.slot] === session, 'only a live session can be removed');
    const first = this.#byLow.get(session.idLow) ?? null;
    if (first === session) {
      if (session.nextSameLow === null) this.#byLow.delete(session.idLow);
      else this.#byLow.set(session.idLow, session.nextSameLow);
    } else {
      let before = first;
      while (before !== null && before.nextSameLow !== session) before = before.nextSameLow;
      if (before !== null) before.nextSameLow = session.nextSameLow;
    }
    this.#bySlot[session.slot] = null;
    this.#freeSlots.push(session.slot);
    this.#count--;
    if (session.ephemerals !== null && session.ephemerals.size > 0) {
      this.#orphans.set(sessionIdText(session.idHigh, session.idLow), session.ephemerals);
    }
  }

  forEach(visit: (session: Session) => void): void {
    for (const session of this.#bySlot) if (session !== null) visit(session);
  }

  /** Called by the tree when an ephemeral appears. */
  ephemeralCreated(slot: number, ownerHigh: number, ownerLow: number): void {
    const session = this.find(ownerHigh, ownerLow);
    if (session !== null) {
      session.ephemerals ??= new Set();
      session.ephemerals.add(slot);
      return;
    }
    const key = sessionIdText(ownerHigh, ownerLow);
    const orphans = this.#orphans.get(key) ?? new Set();
    orphans.add(slot);
    this.#orphans.set(key, orphans);
  }

  ephemeralRemoved(slot: number, ownerHigh: number, ownerLow: number): void {
    const session = this.find(ownerHigh, ownerLow);
    if (session !== null) {
      session.ephemerals?.delete(slot);
      return;
    }
    const key = sessionIdText(ownerHigh, ownerLow);
    const orphans = this.#orphans.get(key);
    orphans?.delete(slot);
    if (orphans?.size === 0) this.#orphans.delete(key);
  }

  /** Slots of the ephemerals of a session id that is not in the table. */
  orphansOf(idHigh: number, idLow: number): ReadonlySet<number> {
    return this.#orphans.get(sessionIdText(idHigh, idLow)) ?? new Set();
  }

  /** Slots of all ephemerals without a live session. */
  orphans(): number[] {
    return [...this.#orphans.values()].flatMap((slots) => [...slots]);
  }

  /** How many ephemerals there are. */
  ephemeralCount(): number {
    let count = 0;
    this.forEach((session) => {
      count += session.ephemerals?.size ?? 0;
    });
    return count;
  }
}
