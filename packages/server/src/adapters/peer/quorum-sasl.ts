import { createHash, randomBytes } from 'node:crypto';
import {
  beginsQuorumAuth,
  decodeUtf8,
  encodeQuorumAuth,
  encodeUtf8,
  JuteError,
  parseQuorumAuth,
  QuorumAuthStatus,
} from '@headkeeper/protocol';
import {
  claimOf,
  type DigestCredentials,
  DigestError,
  type DigestService,
  provesPassword,
  readChallenge,
  readResponse,
  sameSecret,
  writeChallenge,
  writeProof,
  writeResponse,
} from '../../core/sasl/digest-md5.ts';
import type { AuthExchange, AuthStep, PeerAuthenticator } from './peer-authenticator.ts';

const NONCE_BYTES = 30;
const EMPTY = new Uint8Array(0);
/** Names in the DIGEST-MD5 exchange between servers (election-protocol reference, 2.7). */
export const QUORUM_SERVICE: DigestService = {
  realm: 'zk-quorum-sasl-md5',
  uri: 'zookeeper-quorum/zk-quorum-sasl-md5',
};

export interface QuorumSaslOptions {
  /** What this server authenticates with on connections that it makes; null: it does not (`learnerRequireSasl`). */
  readonly learner: DigestCredentials | null;
  /** Names and passwords of servers that connect to this one; null: they are not asked (`enableSasl` is off). */
  readonly users: ReadonlyMap<string, string> | null;
  /** Whether those that do not authenticate are refused (`serverRequireSasl`). */
  readonly isRequired: boolean;
  /** Makes up a text that never comes again; by default 30 random bytes in base64. */
  readonly nonce?: () => string;
}

/** Authentication between servers by SASL with DIGEST-MD5 (election-protocol reference, 2.7). */
export class QuorumSasl implements PeerAuthenticator {
  readonly #options: QuorumSaslOptions;
  readonly #nonce: () => string;

  constructor(options: QuorumSaslOptions) {
    this.#options = options;
    this.#nonce = options.nonce ?? ((): string => randomBytes(NONCE_BYTES).toString('base64'));
  }

  opener(): AuthExchange | null {
    const { learner } = this.#options;
    return learner === null ? null : new OpenerExchange(learner, this.#nonce);
  }

  acceptor(): AuthExchange | null {
    const { users, isRequired } = this.#options;
    return users === null ? null : new AcceptorExchange(users, isRequired, this.#nonce());
  }
}

/** The side that connected: proves that it knows a password, and has the other side prove the same. */
class OpenerExchange implements AuthExchange {
  readonly opening: Uint8Array = encodeQuorumAuth({ status: QuorumAuthStatus.inProgress, token: EMPTY });
  readonly passesSilent = false;
  readonly #credentials: DigestCredentials;
  readonly #nonce: () => string;
  /** What the other side must prove its knowledge with; null: it has not sent its challenge. */
  #expected: string | null = null;

  constructor(credentials: DigestCredentials, nonce: () => string) {
    this.#credentials = credentials;
    this.#nonce = nonce;
  }

  take(bytes: Uint8Array, start: number, end: number): AuthStep {
    return guarded(null, () => this.#take(bytes, start, end));
  }

  #take(bytes: Uint8Array, start: number, end: number): AuthStep {
    const packet = parseQuorumAuth(bytes, start, end);
    if (packet === null) return more(0, null);
    const text = packet.token === null ? '' : decodeUtf8(packet.token, 0, packet.token.length);
    if (packet.status === QuorumAuthStatus.error) throw new DigestError('the other server refused this one');
    if (this.#expected === null) {
      const challenge = readChallenge(QUORUM_SERVICE, text);
      const cnonce = this.#nonce();
      const { user, password } = this.#credentials;
      this.#expected = writeProof(md5, claimOf(QUORUM_SERVICE, user, challenge, cnonce), password);
      return more(packet.length, inProgress(writeResponse(md5, QUORUM_SERVICE, this.#credentials, challenge, cnonce)));
    }
    if (packet.status !== QuorumAuthStatus.success) throw new DigestError('the other server asks for one more round');
    if (!sameSecret(text, this.#expected)) throw new DigestError('the other server does not know the password');
    return { consumed: packet.length, reply: null, outcome: 'passed' };
  }
}

/** The side that was connected to. */
class AcceptorExchange implements AuthExchange {
  readonly opening: null = null;
  readonly #users: ReadonlyMap<string, string>;
  readonly #isRequired: boolean;
  readonly #nonce: string;
  #hasBegun = false;
  #isChallenged = false;

  constructor(users: ReadonlyMap<string, string>, isRequired: boolean, nonce: string) {
    this.#users = users;
    this.#isRequired = isRequired;
    this.#nonce = nonce;
  }

  get passesSilent(): boolean {
    return !this.#isRequired && !this.#hasBegun;
  }

  take(bytes: Uint8Array, start: number, end: number): AuthStep {
    if (!this.#hasBegun) {
      const begins = beginsQuorumAuth(bytes, start, end);
      if (begins === null) return more(0, null);
      if (!begins) return this.#isRequired ? refused(null, 'it does not authenticate') : passed(0, null);
      this.#hasBegun = true;
    }
    const packet = parsePacket(bytes, start, end);
    if (packet === null) return more(0, null);
    if (typeof packet === 'string') return refused(null, packet);
    const refusal = encodeQuorumAuth({ status: QuorumAuthStatus.error, token: EMPTY });
    const step = guarded(refusal, () => this.#answer(packet.token ?? EMPTY, packet.length));
    // Who tried in vain where nobody has to is let in like one who did not try.
    return step.outcome === 'refused' && !this.#isRequired ? passed(packet.length, refusal) : step;
  }

  #answer(token: Uint8Array, length: number): AuthStep {
    if (!this.#isChallenged) {
      if (token.length > 0) throw new DigestError('a response before the challenge');
      this.#isChallenged = true;
      return more(length, inProgress(writeChallenge(QUORUM_SERVICE, this.#nonce)));
    }
    const response = readResponse(QUORUM_SERVICE, token);
    const password = this.#users.get(response.user);
    const isProved = provesPassword(md5, response, password ?? '');
    if (password === undefined || !isProved) throw new DigestError('wrong name or password');
    if (response.nonce !== this.#nonce) throw new DigestError('a response to another challenge');
    if (response.realm !== QUORUM_SERVICE.realm) throw new DigestError('a response for another realm');
    if ((response.authzid ?? response.user) !== response.user) throw new DigestError('it wants to be somebody else');
    const proof = encodeUtf8(writeProof(md5, response, password));
    return passed(length, encodeQuorumAuth({ status: QuorumAuthStatus.success, token: proof }));
  }
}

function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}

type Packet = NonNullable<ReturnType<typeof parseQuorumAuth>>;

function parsePacket(bytes: Uint8Array, start: number, end: number): Packet | string | null {
  try {
    return parseQuorumAuth(bytes, start, end);
  } catch (error) {
    if (error instanceof JuteError) return error.message;
    throw error;
  }
}

/** Turns what is wrong with the other side's words into a refusal. */
function guarded(reply: Uint8Array | null, take: () => AuthStep): AuthStep {
  try {
    return take();
  } catch (error) {
    if (error instanceof DigestError || error instanceof JuteError) return refused(reply, error.message);
    throw error;
  }
}

function inProgress(text: string): Uint8Array {
  return encodeQuorumAuth({ status: QuorumAuthStatus.inProgress, token: encodeUtf8(text) });
}

function more(consumed: number, reply: Uint8Array | null): AuthStep {
  return { consumed, reply, outcome: 'more' };
}

function passed(consumed: number, reply: Uint8Array | null): AuthStep {
  return { consumed, reply, outcome: 'passed' };
}

function refused(reply: Uint8Array | null, reason: string): AuthStep {
  return { consumed: 0, reply, outcome: 'refused', reason };
}
