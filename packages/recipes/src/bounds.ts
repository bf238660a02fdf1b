import { type CallOptions, type Client, ZooKeeperError } from '@headkeeper/client';

/** How long an operation of several requests may wait: until its caller's signal, or a moment from its beginning on. */
export class Bounds {
  readonly #client: Client;
  readonly #operation: string;
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;
  /** On the client's clock. */
  readonly #dueAt: number;

  constructor(client: Client, operation: string, path: string, options: CallOptions) {
    this.#client = client;
    this.#operation = operation;
    this.#path = path;
    this.#signal = options.signal;
    this.#dueAt = options.timeoutMs === undefined ? Number.POSITIVE_INFINITY : client.nowMs() + options.timeoutMs;
  }

  /** @throws ZooKeeperError aborted, requestTimeout. */
  check(): void {
    const fault = this.#fault();
    if (fault !== null) throw fault;
  }

  /**
   * Waits until `event` resolves, or for `ms` milliseconds.
   *
   * @throws ZooKeeperError aborted, requestTimeout.
   */
  wait(event: Promise<void> | null, ms: number = Number.POSITIVE_INFINITY): Promise<void> {
    return new Promise((resolve, reject) => {
      const left = this.#dueAt - this.#client.nowMs();
      const first = Math.min(ms, left);
      const over = (): void => {
        timer?.cancel();
        this.#signal?.removeEventListener('abort', over);
        const fault = this.#fault();
        if (fault === null) resolve();
        else reject(fault);
      };
      const timer = first === Number.POSITIVE_INFINITY ? null : this.#client.after(Math.max(0, Math.ceil(first)), over);
      this.#signal?.addEventListener('abort', over);
      if (this.#signal?.aborted === true) over();
      else event?.then(over, reject);
    });
  }

  #fault(): ZooKeeperError | null {
    const facts = { operation: this.#operation, path: this.#path, outcome: 'not applied' } as const;
    if (this.#signal?.aborted === true)
      return new ZooKeeperError({ ...facts, code: 'aborted', cause: this.#signal.reason });
    if (this.#client.nowMs() < this.#dueAt) return null;
    return new ZooKeeperError({ ...facts, code: 'requestTimeout', detail: 'the time that was given is over' });
  }
}
