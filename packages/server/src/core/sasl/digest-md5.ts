import { decodeUtf8, encodeUtf8, isValidUtf8 } from '@headkeeper/protocol';

/**
 * The mechanism DIGEST-MD5 (RFC 2831) without its secrets' sources: what both sides say, and what proves that they know a
 * password. ZooKeeper uses it without a security layer, and each nonce once.
 */

const QOP = 'auth';
const NONCE_COUNT = '00000001';
const MAX_BUFFER = 65_536;
const HEX = '0123456789abcdef';

/** What an exchange is for: each service has names of its own, so that no proof can be carried from one to the other. */
export interface DigestService {
  readonly realm: string;
  readonly uri: string;
}

/** A message digest of 16 bytes. */
export type Md5 = (bytes: Uint8Array) => Uint8Array;

export interface DigestCredentials {
  readonly user: string;
  readonly password: string;
}

/** What the server's challenge says that matters. */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
}

/** What a client proves itself with, apart from the proof. */
export interface DigestClaim {
  readonly user: string;
  readonly realm: string;
  readonly nonce: string;
  readonly cnonce: string;
  /** As the client spells it: letters may be of either case. */
  readonly uri: string;
  /** Who it wants to be; null: not said, the user. */
  readonly authzid: string | null;
  /** How its texts are turned into bytes: `utf-8` where it says so, else ISO 8859-1. */
  readonly charset: 'utf-8' | 'latin1';
}

export interface DigestResponse extends DigestClaim {
  readonly response: string;
}

/** An exchange went wrong; the message says how, and holds no secret. */
export class DigestError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DigestError';
  }
}

export function writeChallenge(service: DigestService, nonce: string): string {
  return `realm=${quoted(service.realm)},nonce=${quoted(nonce)},charset=utf-8,algorithm=md5-sess`;
}

/** Reads a server's challenge. Throws `DigestError` when this side cannot answer it. */
export function readChallenge(service: DigestService, text: string): DigestChallenge {
  const directives = readDirectives(text);
  const nonce = directives.get('nonce');
  if (nonce === undefined || nonce === '') throw new DigestError('a challenge without a nonce');
  if (directives.get('algorithm') !== 'md5-sess') throw new DigestError('a challenge without algorithm=md5-sess');
  const qops = directives.get('qop')?.split(',') ?? [QOP];
  if (!qops.some((qop) => qop.trim() === QOP)) throw new DigestError('a challenge without qop=auth');
  return { realm: directives.get('realm') ?? service.realm, nonce };
}

/** A client's answer, which asks to be the user himself. */
export function writeResponse(
  md5: Md5,
  service: DigestService,
  credentials: DigestCredentials,
  challenge: DigestChallenge,
  cnonce: string,
): string {
  const claim = claimOf(service, credentials.user, challenge, cnonce);
  return [
    'charset=utf-8',
    `username=${quoted(claim.user)}`,
    `realm=${quoted(claim.realm)}`,
    `nonce=${quoted(claim.nonce)}`,
    `nc=${NONCE_COUNT}`,
    `cnonce=${quoted(cnonce)}`,
    `digest-uri=${quoted(claim.uri)}`,
    `maxbuf=${MAX_BUFFER}`,
    `response=${digestOf(md5, claim, credentials.password, 'AUTHENTICATE')}`,
    `qop=${QOP}`,
    `authzid=${quoted(claim.user)}`,
  ].join(',');
}

/** What a user claims who answers a challenge in his own name. */
export function claimOf(service: DigestService, user: string, challenge: DigestChallenge, cnonce: string): DigestClaim {
  return { user, ...challenge, cnonce, uri: service.uri, authzid: user, charset: 'utf-8' };
}

/** Reads a client's response. Throws `DigestError` when it is no answer to a challenge of this service. */
export function readResponse(service: DigestService, token: Uint8Array): DigestResponse {
  const narrow = latin1Text(token);
  const charset = readDirectives(narrow).get('charset') ?? null;
  if (charset !== null && charset.toLowerCase() !== 'utf-8') {
    throw new DigestError('a response in another charset than utf-8');
  }
  if (charset !== null && !isValidUtf8(token)) throw new DigestError('a response that is not the utf-8 it says it is');
  const directives = readDirectives(charset === null ? narrow : decodeUtf8(token));
  const must = (name: string): string => {
    const value = directives.get(name);
    if (value === undefined) throw new DigestError(`a response without ${name}`);
    return value;
  };
  if (must('nc') !== NONCE_COUNT) throw new DigestError('a response with another nonce count than 1');
  if ((directives.get('qop') ?? QOP) !== QOP) throw new DigestError('a response with another qop than auth');
  const uri = must('digest-uri');
  if (uri.toLowerCase() !== service.uri) throw new DigestError('a response meant for another service');
  const user = must('username');
  if (user === '') throw new DigestError('a response without a user');
  const cnonce = must('cnonce');
  if (cnonce === '') throw new DigestError('a response with an empty cnonce');
  return {
    user,
    realm: must('realm'),
    nonce: must('nonce'),
    cnonce,
    uri,
    authzid: directives.get('authzid') ?? null,
    charset: charset === null ? 'latin1' : 'utf-8',
    response: must('response'),
  };
}

/** Whether the response proves knowledge of the password. Takes the same time for any wrong one. */
export function provesPassword(md5: Md5, response: DigestResponse, password: string): boolean {
  return sameSecret(response.response, digestOf(md5, response, password, 'AUTHENTICATE'));
}

/** What the server proves in return that it knows the password as well. */
export function writeProof(md5: Md5, claim: DigestClaim, password: string): string {
  return `rspauth=${digestOf(md5, claim, password, '')}`;
}

/** Compares in a time that tells nothing about where two texts of the same length differ. */
export function sameSecret(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

function digestOf(md5: Md5, claim: DigestClaim, password: string, method: string): string {
  const { nonce, cnonce, authzid, uri } = claim;
  const bytes = claim.charset === 'utf-8' ? encodeUtf8 : latin1Bytes;
  const secret = md5(joined([narrowed(claim.user), COLON, narrowed(claim.realm), COLON, narrowed(password)]));
  const tail = bytes(`:${nonce}:${cnonce}${authzid === null ? '' : `:${authzid}`}`);
  const a1 = hex(md5(joined([secret, tail])));
  const a2 = hex(md5(bytes(`${method}:${uri}`)));
  return hex(md5(bytes(`${a1}:${nonce}:${NONCE_COUNT}:${cnonce}:${QOP}:${a2}`)));
}

const COLON = Uint8Array.of(0x3a);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX.charAt(byte >> 4) + HEX.charAt(byte & 15);
  return text;
}

/** Text is hashed in ISO 8859-1 where that has all of its characters (RFC 2831, 2.1.2.1). */
function narrowed(text: string): Uint8Array {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return encodeUtf8(text);
  return latin1Bytes(text);
}

function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function latin1Text(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** `name=value,name="value"`: each name once, names in lower case. */
function readDirectives(text: string): Map<string, string> {
  const directives = new Map<string, string>();
  const pattern = /[\s,]*(?:([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)|$)/gsy;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) throw new DigestError('directives that cannot be read');
    if (match[1] === undefined) break;
    const name = match[1].toLowerCase();
    if (directives.has(name)) throw new DigestError(`${name} is said twice`);
    directives.set(name, match[2]?.replace(/\\(.)/gs, '$1') ?? (match[3] as string));
  }
  return directives;
}
