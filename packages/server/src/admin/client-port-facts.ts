import type { ClientListener } from '../adapters/client/listener.ts';
import type { Metric } from './metrics/metric.ts';
import type { ClientPortStatus } from './server-status.ts';

/** What the operators' commands tell of the client ports. */
export class ClientPortFacts implements ClientPortStatus {
  readonly #listeners: readonly ClientListener[];
  readonly secureClientPort: number;

  constructor(listeners: readonly ClientListener[], secureClientPort: number) {
    this.#listeners = listeners;
    this.secureClientPort = secureClientPort;
  }

  get outstandingHandshakes(): number {
    return this.#sum((listener) => listener.handshakes.outstanding);
  }

  get unsuccessfulHandshakes(): number {
    return this.#sum((listener) => listener.handshakes.unsuccessful);
  }

  get exceededHandshakes(): number {
    return this.#sum((listener) => listener.handshakes.exceeded);
  }

  get anonymousLocal(): number {
    return this.#sum((listener) => listener.anonymous.local);
  }

  get anonymousRemote(): number {
    return this.#sum((listener) => listener.anonymous.remote);
  }

  metrics(): Metric[] {
    return [
      { kind: 'counter', name: 'unsuccessful_handshake', value: this.unsuccessfulHandshakes },
      { kind: 'counter', name: 'tls_handshake_exceeded', value: this.exceededHandshakes },
    ];
  }

  #sum(of: (listener: ClientListener) => number): number {
    return this.#listeners.reduce((sum, listener) => sum + of(listener), 0);
  }
}
