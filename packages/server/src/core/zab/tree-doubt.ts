/**
 * Whether a server of an ensemble can believe its own tree. Every txn says which digest the leader's tree has behind it; a
 * learner whose own differs has another tree, by memory that changed or a defect, and must not serve it (known failure D24).
 *
 * It reads its state from the disk again and asks its leader for the whole state. Where the next digest differs from that one,
 * too, leader and learner count differently: then nothing would be won by asking again, and the difference is only counted. Where
 * the disk, which has all txns, leads to another tree than the leader says, it is the leader's memory that is wrong: its state is
 * the last one to be asked for.
 */
export class TreeDoubt {
  #isTreeWrong = false;
  #isNew = false;
  /** Whether a whole state has been received and no digest of it has been right yet. */
  #isFresh = false;
  #zxid = 0;

  /** Whether nothing but a whole state from a leader helps. */
  get isTreeWrong(): boolean {
    return this.#isTreeWrong;
  }

  /** Behind each txn that gives a digest. */
  compared(agrees: boolean, zxid: number): void {
    if (agrees) this.#isFresh = false;
    else if (!this.#isFresh && !this.#isTreeWrong) {
      this.#isTreeWrong = true;
      this.#isNew = true;
      this.#zxid = zxid;
    }
  }

  /** Once for each tree that is found wrong: why its learner must give it up; else null. */
  takeReason(): string | null {
    if (!this.#isNew) return null;
    this.#isNew = false;
    const zxid = `0x${this.#zxid.toString(16)}`;
    return `the tree behind ${zxid} is another one than the leader's: it is read from the disk again, and the whole state asked for`;
  }

  /** The state on the disk says what memory said. */
  overruled(): void {
    this.replaced();
  }

  /** A whole state has come from a leader. */
  replaced(): void {
    this.#isTreeWrong = false;
    this.#isNew = false;
    this.#isFresh = true;
  }
}
