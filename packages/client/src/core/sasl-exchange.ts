import { ErrorCode } from '@headkeeper/protocol';
import type { SaslMechanism } from '../ports.ts';
import type { Call } from './call.ts';
import { type InternalAnswer, internalCall, SASL } from './internal-calls.ts';

export interface SaslListener {
  done(): void;
  failed(error: Error): void;
}

const NOTHING = new Uint8Array(0);

/** The exchange of tokens after the handshake; nothing else is asked meanwhile (client-protocol reference, 8.4). */
export class SaslExchange {
  readonly #mechanism: SaslMechanism;
  readonly #send: (call: Call) => void;
  readonly #listener: SaslListener;
  #isAbandoned = false;

  constructor(mechanism: SaslMechanism, send: (call: Call) => void, listener: SaslListener) {
    this.#mechanism = mechanism;
    this.#send = send;
    this.#listener = listener;
    this.#step(null);
  }

  /** The connection has gone: nothing is told any more. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  #step(challenge: Uint8Array | null): void {
    let token: Uint8Array | null;
    try {
      token = this.#mechanism.next(challenge);
    } catch (error) {
      this.#listener.failed(error as Error);
      return;
    }
    if (token === null) this.#listener.done();
    else this.#send(internalCall(SASL, { token }, (answer) => this.#answered(answer)));
  }

  #answered({ error, body }: InternalAnswer): void {
    if (this.#isAbandoned) return;
    if (error !== ErrorCode.ok) {
      this.#listener.failed(new Error('the server refused the user or the password'));
      return;
    }
    const { token } = body as { readonly token: Uint8Array | null };
    this.#step(token?.slice() ?? NOTHING);
  }
}
