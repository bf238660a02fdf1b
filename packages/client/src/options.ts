import { invalidArgument, type ZooKeeperError } from './core/errors.ts';
import type { ClientLog } from './core/events.ts';
import { functionFault, identityFault, isSignal, shown } from './core/faults.ts';
import type { ServerAddress } from './ports.ts';

/** How to reach servers over TLS; what Node's `tls.connect` takes. */
export interface TlsOptions {
  /** Certificates of the authorities to trust, PEM; the system's unless given. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** This client's certificate and key, PEM, for servers that ask for one. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** Of the key, if it has one. */
  readonly passphrase?: string;
  /** A PKCS#12 store with certificate and key, instead of both. */
  readonly pfx?: Uint8Array;
  /** The name the certificate must carry; the host of the connect string unless given. */
  readonly serverName?: string;
  /** False accepts any server. Never outside of tests. */
  readonly rejectUnauthorized?: boolean;
  /** False accepts a certificate for another name, of an authority that is trusted. */
  readonly verifyServerName?: boolean;
  /** Such as `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's names of suites, separated by colons. */
  readonly ciphers?: string;
}

export interface ClientOptions {
  /** Milliseconds without contact after which the servers end the session; 30,000. They may grant another. */
  readonly sessionTimeoutMs?: number;
  /** Milliseconds until a request without a limit of its own is given up; the session timeout. */
  readonly requestTimeoutMs?: number;
  /** Milliseconds that `connect` waits for a session; the session timeout. */
  readonly connectTimeoutMs?: number;
  /** Ends the wait of `connect`. */
  readonly signal?: AbortSignal;
  /** Whether a server without a quorum will do for reading; false. */
  readonly readOnly?: boolean;
  /** When the servers have ended the session: begin another (the default), or close. */
  readonly onSessionExpired?: 'renew' | 'close';
  /** A session to go on with, such as another process's. */
  readonly session?: { readonly id: bigint; readonly password: Uint8Array };
  /** Identities to show, such as `{ scheme: 'digest', auth: 'user:password' }`. */
  readonly auth?: readonly { readonly scheme: string; readonly auth: string | Uint8Array }[];
  /** SASL DIGEST-MD5 with this user. */
  readonly sasl?: { readonly username: string; readonly password: string };
  /** Present: all connections are over TLS. */
  readonly tls?: TlsOptions;
  /** Requests without an answer; more are refused with tooManyPending. 100,000. */
  readonly maxPending?: number;
  /** The same in bytes of data; 64 MiB. */
  readonly maxPendingBytes?: number;
  /** The longest answer accepted, bytes; 64 MiB. */
  readonly maxReplyBytes?: number;
  /** The longest request sent, bytes; 1,048,575: servers close the connection on more than their `jute.maxbuffer`. */
  readonly maxRequestBytes?: number;
  readonly log?: ClientLog;
}

/** Every option with its default, checked. */
export interface CheckedOptions {
  readonly sessionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly maxReplyBytes: number;
  readonly maxRequestBytes: number;
}

const DEFAULT_SESSION_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_PENDING = 100_000;
const DEFAULT_MAX_BYTES: number = 64 << 20;
const DEFAULT_REQUEST_BYTES = 0xfffff;
const LONGEST_MS = 0x7fffffff;
const SMALLEST_LIMIT_BYTES = 1024;
const PASSWORD_BYTES = 16;

/** @throws ZooKeeperError invalidArgument, which names the option. */
export function checkOptions(options: ClientOptions): CheckedOptions {
  const given: unknown = options;
  if (!isRecord(given)) {
    throw invalidArgument('connect', null, `the options have to be an object, not ${shown(given)}`);
  }
  const sessionTimeoutMs = whole(options, 'sessionTimeoutMs', DEFAULT_SESSION_TIMEOUT_MS, 1, LONGEST_MS);
  checkSession(options.session);
  checkIdentities(options.auth);
  const { signal, readOnly, sasl, tls, log } = options;
  if (signal !== undefined && !isSignal(signal))
    throw wrong('signal', `has to be an AbortSignal, not ${shown(signal)}`);
  if (readOnly !== undefined && typeof readOnly !== 'boolean') {
    throw wrong('readOnly', `has to be true or false, not ${shown(readOnly)}`);
  }
  // What is in these may be a secret.
  if (sasl !== undefined && !(isRecord(sasl) && isText(sasl.username) && isText(sasl.password))) {
    throw wrong('sasl', 'has to be { username: string, password: string }');
  }
  if (tls !== undefined && !isRecord(tls)) throw wrong('tls', `has to be an object, not ${shown(tls)}`);
  checkLog(log);
  if (options.onSessionExpired !== undefined && !['renew', 'close'].includes(options.onSessionExpired)) {
    throw wrong('onSessionExpired', "has to be 'renew' or 'close'");
  }
  return {
    sessionTimeoutMs,
    requestTimeoutMs: whole(options, 'requestTimeoutMs', sessionTimeoutMs, 1, LONGEST_MS),
    connectTimeoutMs: whole(options, 'connectTimeoutMs', sessionTimeoutMs, 1, LONGEST_MS),
    maxPending: whole(options, 'maxPending', DEFAULT_MAX_PENDING, 1, Number.MAX_SAFE_INTEGER),
    maxPendingBytes: whole(options, 'maxPendingBytes', DEFAULT_MAX_BYTES, 1, Number.MAX_SAFE_INTEGER),
    maxReplyBytes: whole(options, 'maxReplyBytes', DEFAULT_MAX_BYTES, SMALLEST_LIMIT_BYTES, LONGEST_MS),
    maxRequestBytes: whole(options, 'maxRequestBytes', DEFAULT_REQUEST_BYTES, SMALLEST_LIMIT_BYTES, LONGEST_MS),
  };
}

function checkSession(session: unknown): void {
  if (session === undefined) return;
  if (!isRecord(session) || typeof session.id !== 'bigint' || !(session.password instanceof Uint8Array)) {
    throw wrong('session', 'has to be { id: bigint, password: Uint8Array }, as Client.session gives it');
  }
  if (session.password.length !== PASSWORD_BYTES) throw wrong('session.password', 'has to have 16 bytes');
}

function checkIdentities(auth: unknown): void {
  if (auth === undefined) return;
  if (!Array.isArray(auth)) {
    throw wrong('auth', `has to be an array such as [{ scheme: 'digest', auth: 'user:password' }], not ${shown(auth)}`);
  }
  auth.forEach((each: unknown, i) => {
    const fault = isRecord(each) ? identityFault(each.scheme, each.auth) : 'it has to be { scheme, auth }';
    if (fault !== null) throw wrong(`auth[${i}]`, `is wrong: ${fault}`);
  });
}

function checkLog(log: unknown): void {
  if (log === undefined) return;
  if (!isRecord(log)) throw wrong('log', `has to be an object with functions for levels, not ${shown(log)}`);
  for (const level of ['debug', 'info', 'warn']) {
    const fault = log[level] === undefined ? null : functionFault(level, log[level]);
    if (fault !== null) throw wrong('log', `is wrong: ${fault}`);
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function whole(
  options: ClientOptions,
  name: keyof CheckedOptions,
  otherwise: number,
  least: number,
  most: number,
): number {
  const value = options[name] ?? otherwise;
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw wrong(name, `has to be a whole number from ${least} to ${most}, not ${shown(value)}`);
  }
  return value;
}

function wrong(option: string, detail: string): ZooKeeperError {
  return invalidArgument('connect', null, `the option ${option} ${detail}`);
}

/** What a caller may know of the connection. */
export interface SessionInfo {
  readonly id: bigint;
  /** 16 bytes that let another client go on with the session: a secret. */
  readonly password: Uint8Array;
  /** Milliseconds, as granted. */
  readonly timeoutMs: number;
  /** The server it is connected to now. */
  readonly server: ServerAddress | null;
}
