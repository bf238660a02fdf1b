interface Contact {
  /** Null: nothing is known yet. */
  up: boolean | null;
  /** When this election's vote last went to it, with no reason to believe that it was lost; -Infinity: never. */
  sentAtMs: number;
}

/** What is known of the election connections to the other servers. */
export class Contacts {
  readonly #contacts = new Map<number, Contact>();

  #of(sid: number): Contact {
    let contact = this.#contacts.get(sid);
    if (contact === undefined) {
      contact = { up: null, sentAtMs: Number.NEGATIVE_INFINITY };
      this.#contacts.set(sid, contact);
    }
    return contact;
  }

  linkChanged(sid: number, up: boolean): void {
    const contact = this.#of(sid);
    contact.up = up;
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

  /** Nothing was sent in the election that begins. */
  electionBegins(): void {
    for (const contact of this.#contacts.values()) contact.sentAtMs = Number.NEGATIVE_INFINITY;
  }
}
