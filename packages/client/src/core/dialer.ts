import type { ClientPorts, ServerAddress, Timer } from '../ports.ts';
import { formatServer } from './connect-string.ts';
import type { ServerRing } from './server-ring.ts';
import { shuffled } from './shuffle.ts';

export interface DialerListener {
  /** Connect to this address; `failed` or `succeeded` is to be called in the end. May throw. */
  dial(ip: string, server: ServerAddress): void;
  /** The address has had its time: let go of it. `failed` is not to be called for it. */
  tooSlow(reason: Error): void;
  /** A server could not be had; another attempt follows. */
  noServer(server: ServerAddress, reason: Error): void;
}

interface Attempt {
  readonly server: ServerAddress;
  /** Not tried yet. */
  addresses: readonly string[];
  /** Milliseconds that each address gets. */
  limitMs: number;
}

/**
 * Finds a server: goes round the ring with its pauses, looks each name up anew, tries all its addresses in any order, and
 * gives each its share of the session timeout (client-protocol reference, 7.2).
 */
export class Dialer {
  readonly #ports: ClientPorts;
  readonly #ring: ServerRing;
  readonly #listener: DialerListener;
  readonly #timeoutMs: () => number;
  /** The pause before an attempt, or the time that is left to one. */
  #timer: Timer | null = null;
  #attempt: Attempt | null = null;

  /** @param timeoutMs the session timeout as it is now. */
  constructor(ports: ClientPorts, ring: ServerRing, timeoutMs: () => number, listener: DialerListener) {
    this.#ports = ports;
    this.#ring = ring;
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  /** Begins anew with the next server, after a pause. */
  begin(isFirst: boolean): void {
    this.stop();
    this.#timer = this.#ports.after(this.#ring.pauseMs(isFirst), () => this.#resolve(this.#ring.next()));
  }

  /** The address gave a session. */
  succeeded(): void {
    this.stop();
  }

  /** The address gave none: on to the next. */
  failed(reason: Error): void {
    const attempt = this.#attempt;
    if (attempt !== null) this.#dialNext(attempt, reason);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#attempt = null;
  }

  #resolve(server: ServerAddress): void {
    const attempt: Attempt = { server, addresses: [], limitMs: this.#share(1) };
    this.#attempt = attempt;
    const { host } = server;
    this.#timer = this.#ports.after(attempt.limitMs, () => {
      this.#over(attempt, new Error(`the name ${host} was not resolved within ${attempt.limitMs} ms`));
    });
    this.#ports.resolve(host).then(
      (addresses) => {
        if (this.#attempt !== attempt) return;
        // One name often stands for all servers of an ensemble: its clients are to spread over them.
        attempt.addresses = shuffled(addresses, (limit) => this.#ports.random(limit));
        attempt.limitMs = this.#share(addresses.length);
        this.#dialNext(attempt, new Error(`${host} has no address`));
      },
      (error: Error) => {
        if (this.#attempt === attempt) this.#over(attempt, error);
      },
    );
  }

  #dialNext(attempt: Attempt, lastFailure: Error): void {
    this.#timer?.cancel();
    const [ip, ...others] = attempt.addresses;
    if (ip === undefined) {
      this.#over(attempt, lastFailure);
      return;
    }
    attempt.addresses = others;
    this.#timer = this.#ports.after(attempt.limitMs, () => {
      const reason = new Error(`${formatServer(attempt.server)} did not answer within ${attempt.limitMs} ms`);
      this.#listener.tooSlow(reason);
      if (this.#attempt === attempt) this.#dialNext(attempt, reason);
    });
    try {
      this.#listener.dial(ip, attempt.server);
    } catch (error) {
      this.#dialNext(attempt, error as Error);
    }
  }

  #over(attempt: Attempt, reason: Error): void {
    this.#listener.noServer(attempt.server, reason);
    // Who was told may have stopped it.
    if (this.#attempt === attempt) this.begin(false);
  }

  #share(addresses: number): number {
    return Math.max(1, Math.floor(this.#timeoutMs() / (this.#ring.size * Math.max(1, addresses))));
  }
}
