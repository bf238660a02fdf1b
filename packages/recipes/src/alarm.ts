/** Something that several wait for, again and again. Ask for `next` before looking whether there is reason to wait. */
export class Alarm {
  #next!: Promise<void>;
  #resolve!: () => void;

  constructor() {
    this.#renew();
  }

  /** Resolves when it rings for the next time. */
  get next(): Promise<void> {
    return this.#next;
  }

  readonly ring = (): void => {
    const resolve = this.#resolve;
    this.#renew();
    resolve();
  };

  #renew(): void {
    this.#next = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}

/** Waits so many milliseconds on the client's clock. */
export function pause(client: { after(ms: number, call: () => void): unknown }, ms: number): Promise<void> {
  return new Promise((resolve) => {
    client.after(ms, resolve);
  });
}
