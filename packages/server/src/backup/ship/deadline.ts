/**
 * A signal that is aborted with another one, or when the time is over. Whoever makes one ends it: on Node 20 what
 * AbortSignal.any ties to a signal of long life stays tied to it, and pieces of log go out several times a second.
 */
export class Deadline {
  readonly #controller: AbortController = new AbortController();
  readonly #parent: AbortSignal;
  readonly #follow: () => void;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  /** @param ms From now */
  constructor(parent: AbortSignal, ms: number) {
    this.#parent = parent;
    this.#follow = () => this.#controller.abort(parent.reason);
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort(new Error('the time is over'));
    }, ms).unref();
    if (parent.aborted) this.#follow();
    else parent.addEventListener('abort', this.#follow);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it was the time. */
  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener('abort', this.#follow);
  }
}
