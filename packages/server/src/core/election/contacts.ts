/** Times that a peer, on a connection that seems to be up, may be asked in vain before the connection is suspected. */
const ASKED_IN_VAIN = 2;

interface Contact {
  /** Null: nothing is known yet. */
  up: boolean | null;
  /** When this election's vote last went to it, with no reason to believe that it was lost; -Infinity: never. */
  sentAtMs: number;
  /** Whether it was sent anything since it was last heard. */
  asked: boolean;
  /** Timeouts and elections since it was last heard. */
  askedInVain: number;
}

/** What is known of the election connections to the other servers. */
export class Contacts {
  readonly #contacts = new Map<number, Contact>();

  #of(sid: number): Contact {
    let contact = this.#contacts.get(sid);
    if (contact === undefined) {
      contact = { up: null, sentAtMs: Number.NEGATIVE_INFINITY, asked: false, askedInVain: 0 };
      this.#contacts.set(sid, contact);
    }
    return contact;
  }

  linkChanged(sid: number, up: boolean): void {
    const contact = this.#of(sid);
    contact.up = up;
    contact.asked = false;
    contact.askedInVain = 0;
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
    const contact = this.#of(sid);
    contact.asked = false;
    contact.askedInVain = 0;
  }

  sent(sid: number, nowMs: number): void {
    const contact = this.#of(sid);
    contact.sentAtMs = nowMs;
    contact.asked = true;
  }

  /** The peer did not use what it was sent. */
  unsent(sid: number): void {
    this.#of(sid).sentAtMs = Number.NEGATIVE_INFINITY;
  }

  sentWithin(sid: number, ms: number, nowMs: number): boolean {
    return nowMs - this.#of(sid).sentAtMs < ms;
  }

  /** Nothing was sent in the election that begins. */
  electionBegins(): void {
    for (const contact of this.#contacts.values()) contact.sentAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Its answer is overdue. True when its connection should be replaced: it may be half open. */
  overdue(sid: number): boolean {
    const contact = this.#of(sid);
    if (contact.up !== true || !contact.asked) return false;
    contact.askedInVain++;
    if (contact.askedInVain < ASKED_IN_VAIN) return false;
    contact.askedInVain = 0;
    return true;
  }
}
