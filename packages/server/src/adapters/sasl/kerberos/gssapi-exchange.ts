import type { SaslMechanism, SaslStep } from '../../../ports.ts';
import type { AcceptedClient, KerberosAcceptor } from './acceptor.ts';
import { KerberosError } from './encryption.ts';
import type { SecurityContext } from './security-context.ts';

/** No layer of security behind the login, and messages of 64 KiB, which then mean nothing (as Apache's server says it). */
const OFFER: Buffer = Buffer.from('01010000', 'hex');
const NO_LAYER = 1;
const CHOICE_BYTES = 4;

/** The server's side of one exchange by GSSAPI with Kerberos (RFC 4752). */
export class GssapiExchange implements SaslMechanism {
  readonly #acceptor: KerberosAcceptor;
  readonly #nameOf: (principal: string) => string;
  #step: 'begin' | 'replied' | 'offered' | 'over' = 'begin';
  #client: string | null = null;
  #context: SecurityContext | null = null;

  /** `nameOf`: what access control lists call a principal. */
  constructor(acceptor: KerberosAcceptor, nameOf: (principal: string) => string) {
    this.#acceptor = acceptor;
    this.#nameOf = nameOf;
  }

  take(token: Uint8Array): SaslStep {
    try {
      return this.#take(token);
    } catch (error) {
      this.#step = 'over';
      if (!(error instanceof KerberosError)) throw error;
      return { outcome: 'refused', user: this.#client, reason: error.message };
    }
  }

  #take(token: Uint8Array): SaslStep {
    switch (this.#step) {
      case 'begin': {
        const accepted: AcceptedClient = this.#acceptor.accept(token);
        this.#client = accepted.client;
        this.#context = accepted.context;
        if (accepted.token === null) return this.#offer(accepted.context);
        this.#step = 'replied';
        return { outcome: 'more', token: accepted.token };
      }
      case 'replied':
        if (token.length > 0) throw new KerberosError('a token that nobody has asked for');
        return this.#offer(this.#context as SecurityContext);
      case 'offered':
        this.#step = 'over';
        return this.#finish(this.#context as SecurityContext, this.#client as string, token);
      default:
        throw new KerberosError('it goes on after the end of the exchange');
    }
  }

  #offer(context: SecurityContext): SaslStep {
    this.#step = 'offered';
    return { outcome: 'more', token: context.wrap(OFFER) };
  }

  #finish(context: SecurityContext, client: string, token: Uint8Array): SaslStep {
    const choice = context.unwrap(token);
    if (choice.length < CHOICE_BYTES || choice[0] !== NO_LAYER) throw new KerberosError('it wants a layer of security');
    const user = this.#nameOf(client);
    const wanted = choice.subarray(CHOICE_BYTES).toString('utf8');
    const own = ['', client, client.slice(0, client.lastIndexOf('@')), user];
    if (!own.includes(wanted)) throw new KerberosError('it wants to be somebody else');
    return { outcome: 'passed', token: null, user };
  }
}
