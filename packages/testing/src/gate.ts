/**
 * The door through which everything reaches a server: what happens while it is shut waits in order, and happens once it is
 * opened; what happens after the server's end never does.
 */
export class Gate {
  #waiting: (() => void)[] = [];
  #isShut = false;
  #isPassing = false;
  #hasEnded = false;

  /** Whether an action would happen at once. */
  get isOpen(): boolean {
    return !this.#isShut && !this.#isPassing && !this.#hasEnded;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Does it now, or when the gate is opened, or never. */
  pass(action: () => void): void {
    if (this.isOpen) action();
    else if (!this.#hasEnded) this.#waiting.push(action);
  }

  shut(): void {
    this.#isShut = true;
  }

  /** Lets through what has waited, in order, and what comes from now on. */
  open(): void {
    this.#isShut = false;
    if (this.#isPassing) return;
    this.#isPassing = true;
    try {
      while (this.#waiting.length > 0 && !this.#isShut && !this.#hasEnded) (this.#waiting.shift() as () => void)();
    } finally {
      this.#isPassing = false;
    }
  }

  /** Nothing passes any more. */
  end(): void {
    this.#hasEnded = true;
    this.#waiting = [];
  }
}
