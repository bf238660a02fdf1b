import { createHash, timingSafeEqual } from 'node:crypto';

/** Names in the DIGEST-MD5 exchange between servers (election-protocol reference, 2.7). */
export const QUORUM_REALM = 'zk-quorum-sasl-md5';
const DIGEST_URI = `zookeeper-quorum/${QUORUM_REALM}`;
const QOP = 'auth';
const NONCE_COUNT = '00000001';
const MAX_BUFFER = 65_536;

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What the server's challenge says that matters. */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
}

/** What the client proves itself with. */
export interface DigestResponse {
  readonly user: string;
  readonly realm: string;
  readonly nonce: string;
  readonly cnonce: string;
  /** Who it wants to be; null: not said, the user. */
  readonly authzid: string | null;
  readonly response: string;
}

/** The mechanism DIGEST-MD5 (RFC 2831) went wrong; the message says how, and holds no secret. */
export class DigestError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DigestError';
  }
}

export function writeChallenge(nonce: string): string {
  return `realm=${quoted(QUORUM_REALM)},nonce=${quoted(nonce)},charset=utf-8,algorithm=md5-sess`;
}

/** Reads a server's challenge. Throws `DigestError` when this side cannot answer it. */
export function readChallenge(text: string): DigestChallenge {
  const directives = readDirectives(text);
  const nonce = directives.get('nonce');
  if (nonce === undefined || nonce === '') throw new DigestError('a challenge without a nonce');
  if (directives.get('algorithm') !== 'md5-sess') throw new DigestError('a challenge without algorithm=md5-sess');
  const qops = directives.get('qop')?.split(',') ?? [QOP];
  if (!qops.some((qop) => qop.trim() === QOP)) throw new DigestError('a challenge without qop=auth');
  return { realm: directives.get('realm') ?? QUORUM_REALM, nonce };
}

export function writeResponse(credentials: Credentials, challenge: DigestChallenge, cnonce: string): string {
  const { user } = credentials;
  const proof = { user, realm: challenge.realm, nonce: challenge.nonce, cnonce, authzid: user };
  return [
    'charset=utf-8',
    `username=${quoted(user)}`,
    `realm=${quoted(challenge.realm)}`,
    `nonce=${quoted(challenge.nonce)}`,
    `nc=${NONCE_COUNT}`,
    `cnonce=${quoted(cnonce)}`,
    `digest-uri=${quoted(DIGEST_URI)}`,
    `maxbuf=${MAX_BUFFER}`,
    `response=${digestOf(proof, credentials.password, 'AUTHENTICATE')}`,
    `qop=${QOP}`,
    `authzid=${quoted(user)}`,
  ].join(',');
}

/** Reads a client's response. Throws `DigestError` when it is no answer to a challenge of this service. */
export function readResponse(text: string): DigestResponse {
  const directives = readDirectives(text);
  const must = (name: string): string => {
    const value = directives.get(name);
    if (value === undefined) throw new DigestError(`a response without ${name}`);
    return value;
  };
  if (must('nc') !== NONCE_COUNT) throw new DigestError('a response with another nonce count than 1');
  if ((directives.get('qop') ?? QOP) !== QOP) throw new DigestError('a response with another qop than auth');
  if (must('digest-uri').toLowerCase() !== DIGEST_URI) throw new DigestError('a response meant for another service');
  return {
    user: must('username'),
    realm: directives.get('realm') ?? QUORUM_REALM,
    nonce: must('nonce'),
    cnonce: must('cnonce'),
    authzid: directives.get('authzid') ?? null,
    response: must('response'),
  };
}

/** Whether the response proves knowledge of the password. Takes the same time for any wrong one. */
export function provesPassword(response: DigestResponse, password: string): boolean {
  return sameSecret(response.response, digestOf(response, password, 'AUTHENTICATE'));
}

/** What the server proves in return that it knows the password as well. */
export function writeProof(response: Omit<DigestResponse, 'response'>, password: string): string {
  return `rspauth=${digestOf(response, password, '')}`;
}

export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function digestOf(proof: Omit<DigestResponse, 'response'>, password: string, method: string): string {
  const secret = md5(
    Buffer.concat([latinOrUtf8(proof.user), COLON, latinOrUtf8(proof.realm), COLON, latinOrUtf8(password)]),
  );
  const tail = `:${proof.nonce}:${proof.cnonce}${proof.authzid === null ? '' : `:${proof.authzid}`}`;
  const a1 = md5(Buffer.concat([secret, Buffer.from(tail)])).toString('hex');
  const a2 = md5(Buffer.from(`${method}:${DIGEST_URI}`)).toString('hex');
  return md5(Buffer.from(`${a1}:${proof.nonce}:${NONCE_COUNT}:${proof.cnonce}:${QOP}:${a2}`)).toString('hex');
}

const COLON = Buffer.from(':');

function md5(bytes: Uint8Array): Buffer {
  return createHash('md5').update(bytes).digest();
}

/** Text is hashed in ISO 8859-1 where that has all of its characters (RFC 2831, 2.1.2.1). */
function latinOrUtf8(text: string): Buffer {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return Buffer.from(text, 'utf8');
  return Buffer.from(text, 'latin1');
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** `name=value,name="value"`: each name once, names in lower case. */
function readDirectives(text: string): Map<string, string> {
  const directives = new Map<string, string>();
  const pattern = /[\s,]*([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)/gy;
  while (/[^\s,]/.test(text.slice(pattern.lastIndex))) {
    const match = pattern.exec(text);
    if (match === null) throw new DigestError('directives that cannot be read');
    const name = (match[1] as string).toLowerCase();
    if (directives.has(name)) throw new DigestError(`${name} is said twice`);
    directives.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? (match[3] as string));
  }
  return directives;
}
