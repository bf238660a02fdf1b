/** Timeouts of ours after which a peer that said nothing, on a connection that seems to be up, is suspected. */
const SILENT_TIMEOUTS = 2;

interface Contact {
  /** Null: nothing is known yet. */
  up: boolean | null;
  /** When this election's vote last went to it, with no reason to believe that it was lost; -Infinity: never. */
  sentAtMs: number;
  /** Our timeouts since it was last heard. */
  silentTimeouts: number;
}

/** What is known of the election connections to the other servers. */
export class Contacts {
  readonly #contacts = new Map<number, Contact>();

  #of(sid: number): Contact {
    let contact = this.#contacts.get(sid);
    if (contact === undefined) {
      contact = { up: null, sentAtMs: Number.NEGATIVE_INFINITY, silentTimeouts: 0 };
      this.#contacts.set(sid, contact);
    }
    return contact;
  }

  linkChanged(sid: number, up: boolean): void {
    const contact = this.#of(sid);
    contact.up = up;
    contact.silentTimeouts = 0;
    contact.sentAtMs = Number.NEGATIVE_INFINITY;
  }

  forget(sid: number): void {
    this.#contacts.delete(sid);
  }

  /** Whether a connection is there, as far as is known. */
  isUp(sid: number): boolean {
    return this.#contacts.get(sid)?.up === true;
  }

  /** Whether it is known that there is no connection. */
  isDown(sid: number): boolean {
    return this.#contacts.get(sid)?.up === false;
  }

  heard(sid: number): void {
    this.#of(sid).silentTimeouts = 0;
  }

  sent(sid: number, nowMs: number): void {
    this.#of(sid).sentAtMs = nowMs;
  }

  /** The peer did not use what it was sent. */
  unsent(sid: number): void {
    this.#of(sid).sentAtMs = Number.NEGATIVE_INFINITY;
  }

  sentWithin(sid: number, ms: number, nowMs: number): boolean {
    return nowMs - this.#of(sid).sentAtMs < ms;
  }

  electionBegins(): void {
    for (const contact of this.#contacts.values()) {
      contact.sentAtMs = Number.NEGATIVE_INFINITY;
      contact.silentTimeouts = 0;
    }
  }

  /** Counts a timeout of ours against this peer. True when its connection should be replaced: it may be half open. */
  timedOut(sid: number): boolean {
    const contact = this.#of(sid);
    if (contact.up !== true) return false;
    contact.silentTimeouts++;
    if (contact.silentTimeouts < SILENT_TIMEOUTS) return false;
    contact.silentTimeouts = 0;
    return true;
  }
}
