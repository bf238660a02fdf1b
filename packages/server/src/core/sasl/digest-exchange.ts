import { encodeUtf8 } from '@headkeeper/protocol';
import type { SaslMechanism, SaslStep } from '../../ports.ts';
import {
  DigestError,
  type DigestResponse,
  type DigestService,
  type Md5,
  provesPassword,
  readResponse,
  writeChallenge,
  writeProof,
} from './digest-md5.ts';

/** Names of the exchange with clients (client-protocol reference, 8.4). */
const SERVICE: DigestService = { realm: 'zk-sasl-md5', uri: 'zookeeper/zk-sasl-md5' };

/** The server's side of one DIGEST-MD5 exchange. Its nonce is good for one answer. */
export class DigestExchange implements SaslMechanism {
  readonly #md5: Md5;
  readonly #nonce: string;
  readonly #passwordOf: (user: string) => string | null;
  #step: 'begin' | 'challenged' | 'over' = 'begin';

  constructor(md5: Md5, nonce: string, passwordOf: (user: string) => string | null) {
    this.#md5 = md5;
    this.#nonce = nonce;
    this.#passwordOf = passwordOf;
  }

  take(token: Uint8Array): SaslStep {
    if (this.#step === 'begin') {
      this.#step = 'challenged';
      if (token.length > 0) return this.#refused(null, 'a response before the challenge');
      return { outcome: 'more', token: encodeUtf8(writeChallenge(SERVICE, this.#nonce)) };
    }
    if (this.#step === 'over') return this.#refused(null, 'it goes on after the end of the exchange');
    this.#step = 'over';
    try {
      return this.#verify(readResponse(SERVICE, token));
    } catch (error) {
      if (error instanceof DigestError) return this.#refused(null, error.message);
      throw error;
    }
  }

  #verify(response: DigestResponse): SaslStep {
    const { user } = response;
    const password = this.#passwordOf(user);
    // As long for an unknown user as for a wrong password.
    const isProved = provesPassword(this.#md5, response, password ?? '');
    if (password === null || !isProved) return this.#refused(user, 'wrong name or password');
    if (response.nonce !== this.#nonce) return this.#refused(user, 'a response to another challenge');
    if (response.realm !== SERVICE.realm) return this.#refused(user, 'a response for another realm');
    if (response.authzid !== null && response.authzid !== '' && response.authzid !== user) {
      return this.#refused(user, 'it wants to be somebody else');
    }
    return { outcome: 'passed', token: encodeUtf8(writeProof(this.#md5, response, password)), user };
  }

  #refused(user: string | null, reason: string): SaslStep {
    this.#step = 'over';
    return { outcome: 'refused', user, reason };
  }
}
