import { decodeUtf8, encodeUtf8, type Identity, isValidUtf8, utf8Length } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import type { Hashing, Logins, SaslStep } from '../../ports.ts';
import type { Connection, SaslExchange } from '../connection.ts';
import { base64 } from '../ops/base64.ts';
import { DigestExchange } from '../sasl/digest-exchange.ts';
import { sameSecret } from '../sasl/digest-md5.ts';
import type { CoreSettings } from '../settings.ts';
import { FailedAttempts } from './failed-attempts.ts';

const COLON = 0x3a;
const SUPER: Identity = Object.freeze({ scheme: 'super', id: '' });

/**
 * What comes of an auth request. `refused`: the client is told that it has failed, and the connection closed. `dropped`: the
 * connection is closed without a word, so that the client tries another server, or later.
 */
export type AuthOutcome = 'accepted' | 'refused' | 'dropped';

/** What comes of a SASL token; `unavailable`: nobody can log in here, and the connection goes on. */
export type SaslOutcome = SaslStep | { readonly outcome: 'unavailable' | 'dropped' };

/** Who has tried something. */
export interface Addressed {
  readonly address: string;
}

/** An attempt that has failed, for the log. The user is what the client has called itself. */
export interface FailedLogin {
  readonly address: string;
  readonly scheme: string;
  readonly user: string | null;
  readonly reason: string;
}

/** A client's own word for itself goes into the log no further than this. */
const SHOWN_USER_LENGTH = 100;
/** Failures of one step that are told. */
const MOST_NOTES = 100;

/** Who the clients are: what they prove, and who has to (client-protocol reference, 8.1, 8.2, 8.4 and 8.6). */
export class Authentication {
  /** What clients of scheme `ensemble` have met with. */
  readonly ensembleNames: { success: number; fail: number; skip: number } = { success: 0, fail: 0, skip: 0 };
  /** Attempts that have failed since the driver last took them. */
  failedLogins: FailedLogin[] = [];
  readonly #settings: CoreSettings;
  readonly #hashing: Hashing;
  readonly #logins: Logins | null;
  readonly #attempts: FailedAttempts = new FailedAttempts();

  /** `logins`: null where SASL is not configured. */
  constructor(settings: CoreSettings, hashing: Hashing, logins: Logins | null) {
    this.#settings = settings;
    this.#hashing = hashing;
    this.#logins = logins;
  }

  /** Whether a connection with these identities has to prove more before it is served. */
  isWanting(identities: readonly Identity[]): boolean {
    const { enforcedSchemes } = this.#settings.authentication;
    return enforcedSchemes.size > 0 && !identities.some(({ scheme }) => enforcedSchemes.has(scheme));
  }

  /** Whether nothing but SASL will do, so that who fails is told so. */
  get requiresSasl(): boolean {
    return this.#settings.authentication.enforcedSchemes.has('sasl');
  }

  /** An auth request. */
  prove(connection: Connection, scheme: string | null, data: Uint8Array | null, nowMs: number): AuthOutcome {
    if (scheme === 'ip') return 'accepted';
    const isKnown = scheme !== null && this.#settings.authentication.schemes.has(scheme);
    if (isKnown && scheme === 'digest' && data !== null) return this.#digest(connection, data, nowMs);
    if (isKnown && scheme === 'ensemble') return this.#ensemble(connection, data);
    // The certificate has been shown already, or never will be.
    if (isKnown && scheme === 'x509' && connection.identities.some((one) => one.scheme === scheme)) return 'accepted';
    this.#note(connection, scheme ?? 'null', null, 'the scheme cannot be used in an auth request');
    return 'refused';
  }

  #digest(connection: Connection, data: Uint8Array, nowMs: number): AuthOutcome {
    // Apache takes the credentials through a string, so malformed UTF-8 is replaced before it is hashed.
    const text = isValidUtf8(data) ? data : encodeUtf8(decodeUtf8(data));
    let colon = data.indexOf(COLON);
    if (colon < 0) colon = data.length;
    const user = decodeUtf8(data, 0, colon);
    // Without a colon it may be a password that stands where the name should.
    const shown = colon < data.length ? user : null;
    const id = `${user}:${base64(this.#hashing.digest(this.#settings.digestAlgorithm, text))}`;
    const identity = { scheme: 'digest', id };
    const isSuper = this.isSuperDigest(connection, user, id, nowMs);
    if (isSuper === null) return 'dropped';
    if (this.#add(connection, isSuper ? [SUPER, identity] : [identity])) return 'accepted';
    this.#note(connection, 'digest', shown, 'too many identities on one connection');
    return 'refused';
  }

  /**
   * Whether an id of scheme digest is the superuser's; null when it may be, and the address has failed too often to be told.
   * Any password makes an identity: only for the superuser's name is there a wrong one.
   */
  isSuperDigest(from: Addressed, user: string, id: string, nowMs: number): boolean | null {
    const { superDigest } = this.#settings;
    if (superDigest === null || !superDigest.startsWith(`${user}:`)) return false;
    if (!this.#attempts.mayTry(from.address, nowMs)) {
      this.#note(from, 'digest', user, 'too many failed attempts from this address');
      return null;
    }
    if (sameSecret(id, superDigest)) return true;
    this.#attempts.failed(from.address, nowMs);
    this.#note(from, 'digest', user, "not the superuser's password; served without the superuser's rights");
    return false;
  }

  #ensemble(connection: Connection, data: Uint8Array | null): AuthOutcome {
    const { ensembleNames } = this.#settings.authentication;
    const counts = this.ensembleNames;
    if (data === null || data.length === 0 || ensembleNames.size === 0) counts.skip++;
    else if (ensembleNames.has(decodeUtf8(data))) counts.success++;
    else {
      counts.fail++;
      this.#note(connection, 'ensemble', null, 'it looks for another ensemble');
      return 'dropped';
    }
    return 'accepted';
  }

  /** A token of a SASL exchange; a connection has one exchange. */
  sasl(connection: Connection, token: Uint8Array, nowMs: number): SaslOutcome {
    if (this.#logins === null) return { outcome: 'unavailable' };
    const logins = this.#logins;
    if (!this.#attempts.mayTry(connection.address, nowMs)) {
      this.#note(connection, 'sasl', null, 'too many failed attempts from this address');
      return { outcome: 'dropped' };
    }
    connection.exchange ??= this.#begin(logins, token, nowMs);
    const step: SaslStep =
      token.length > connection.exchange.tokenBytes
        ? { outcome: 'refused', user: null, reason: 'a token of too many bytes' }
        : connection.exchange.mechanism.take(token);
    if (step.outcome === 'more') return step;
    connection.exchange.isOver = true;
    if (step.outcome === 'refused') return this.#refuse(connection, step.user, step.reason, nowMs);
    const { user } = step;
    const identity = { scheme: 'sasl', id: user };
    const isSuper = this.#settings.authentication.saslSuperUsers.has(user);
    if (this.#add(connection, isSuper ? [SUPER, identity] : [identity])) return step;
    return this.#refuse(connection, user, 'too many identities on one connection', nowMs);
  }

  /** A client with a ticket begins with it, one with a password waits for the challenge. */
  #begin(logins: Logins, token: Uint8Array, sinceMs: number): SaslExchange {
    const byTicket = token.length === 0 ? null : logins.ticketExchange();
    if (byTicket !== null) return { mechanism: byTicket, tokenBytes: limits.ticketTokenBytes, sinceMs, isOver: false };
    const byPassword = new DigestExchange(
      (bytes) => this.#hashing.digest('MD5', bytes),
      logins.nonce(),
      (user) => logins.passwordOf(user),
    );
    return { mechanism: byPassword, tokenBytes: limits.digestTokenBytes, sinceMs, isOver: false };
  }

  #refuse(connection: Connection, user: string | null, reason: string, nowMs: number): SaslOutcome {
    this.#attempts.failed(connection.address, nowMs);
    this.#note(connection, 'sasl', user, reason);
    return { outcome: 'refused', user, reason };
  }

  /** Whether the connection has begun to prove something and takes too long over it. */
  isTooSlow(connection: Connection, nowMs: number): boolean {
    const { exchange } = connection;
    return exchange !== null && !exchange.isOver && nowMs - exchange.sinceMs >= limits.saslExchangeMs;
  }

  /** Adds those identities that are not there already: all of them, or none when there would be too many. */
  #add(connection: Connection, identities: readonly Identity[]): boolean {
    const known = connection.identities;
    const added = identities.filter((one) => !known.some(({ scheme, id }) => scheme === one.scheme && id === one.id));
    if (added.length === 0) return true;
    const all = [...known, ...added];
    if (all.length > limits.identities) return false;
    if (all.reduce((sum, { id }) => sum + utf8Length(id), 0) > limits.identityBytes) return false;
    connection.identities = all;
    connection.isWanting = this.isWanting(all);
    return true;
  }

  #note(from: Addressed, scheme: string, user: string | null, reason: string): void {
    if (this.failedLogins.length >= MOST_NOTES) return;
    const shown = user === null ? null : user.slice(0, SHOWN_USER_LENGTH);
    this.failedLogins.push({ address: from.address, scheme: scheme.slice(0, 20), user: shown, reason });
  }
}
