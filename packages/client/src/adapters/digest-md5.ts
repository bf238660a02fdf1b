import { createHash } from 'node:crypto';
import type { SaslMechanism } from '../ports.ts';

/** Names of the exchange with a server (client-protocol reference, 8.4). */
const SERVICE_REALM = 'zk-sasl-md5';
const DIGEST_URI = `zookeeper/${SERVICE_REALM}`;
const NONCE_COUNT = '00000001';
const NONCE_BYTES = 18;

/**
 * DIGEST-MD5 (RFC 2831) as ZooKeeper's servers speak it.
 *
 * @param random gives bytes that nobody can guess.
 */
export function digestMd5(
  username: string,
  password: string,
  random: (count: number) => Uint8Array,
): () => SaslMechanism {
  return () => new DigestMd5(username, password, random);
}

class DigestMd5 implements SaslMechanism {
  readonly #username: string;
  readonly #password: string;
  readonly #random: (count: number) => Uint8Array;
  #step: 'begin' | 'challenge' | 'proof' | 'over' = 'begin';
  #expected = '';

  constructor(username: string, password: string, random: (count: number) => Uint8Array) {
    this.#username = username;
    this.#password = password;
    this.#random = random;
  }

  next(challenge: Uint8Array | null): Uint8Array | null {
    switch (this.#step) {
      case 'begin':
        this.#step = 'challenge';
        return new Uint8Array(0);
      case 'challenge':
        this.#step = 'proof';
        return this.#answer(directivesOf(challenge));
      case 'proof':
        this.#step = 'over';
        this.#checkProof(directivesOf(challenge));
        return null;
      default:
        throw new Error('the server goes on after the end of the exchange');
    }
  }

  #answer(challenge: ReadonlyMap<string, string>): Uint8Array {
    if (challenge.size === 0) throw new Error('the server has no SASL configured');
    const nonce = challenge.get('nonce');
    if (nonce === undefined || nonce === '') throw new Error("the server's challenge has no nonce");
    if (challenge.get('algorithm') !== 'md5-sess') throw new Error("the server's challenge is not for md5-sess");
    const qops = challenge.get('qop');
    if (qops !== undefined && !qops.split(',').some((qop) => qop.trim() === 'auth')) {
      throw new Error("the server's challenge does not allow qop=auth");
    }
    const realm = challenge.get('realm') ?? SERVICE_REALM;
    const cnonce = Buffer.from(this.#random(NONCE_BYTES)).toString('base64');
    const user = this.#username;
    const colon = Buffer.from(':');
    const secret = md5(Buffer.concat([narrow(user), colon, narrow(realm), colon, narrow(this.#password)]));
    const a1 = hex(Buffer.concat([secret, Buffer.from(`:${nonce}:${cnonce}:${user}`)]));
    const response = (method: string): string =>
      hex(`${a1}:${nonce}:${NONCE_COUNT}:${cnonce}:auth:${hex(`${method}:${DIGEST_URI}`)}`);
    this.#expected = response('');
    const directives = [
      'charset=utf-8',
      `username=${quoted(user)}`,
      `realm=${quoted(realm)}`,
      `nonce=${quoted(nonce)}`,
      `nc=${NONCE_COUNT}`,
      `cnonce=${quoted(cnonce)}`,
      `digest-uri=${quoted(DIGEST_URI)}`,
      'maxbuf=65536',
      `response=${response('AUTHENTICATE')}`,
      'qop=auth',
      `authzid=${quoted(user)}`,
    ];
    return Buffer.from(directives.join(','));
  }

  /** The server knows the password, too. */
  #checkProof(directives: ReadonlyMap<string, string>): void {
    if (directives.get('rspauth') !== this.#expected) {
      throw new Error('the server refused the user or the password, or does not know the password itself');
    }
  }
}

/** What is hashed is ISO 8859-1 where that is possible, and UTF-8 otherwise (RFC 2831, 2.1.2.1). */
function narrow(text: string): Buffer {
  return Buffer.from(text, /[^\p{ASCII}\u0080-\u00ff]/u.test(text) ? 'utf8' : 'latin1');
}

function md5(input: string | Uint8Array): Buffer {
  return createHash('md5').update(input).digest();
}

function hex(input: string | Uint8Array): string {
  return md5(input).toString('hex');
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

function directivesOf(token: Uint8Array | null): ReadonlyMap<string, string> {
  const directives = new Map<string, string>();
  const text = token === null ? '' : Buffer.from(token).toString('utf8');
  for (const match of text.matchAll(/([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))/gi)) {
    directives.set(
      (match[1] as string).toLowerCase(),
      match[2]?.replace(/\\(.)/g, '$1') ?? (match[3] as string).trim(),
    );
  }
  return directives;
}
