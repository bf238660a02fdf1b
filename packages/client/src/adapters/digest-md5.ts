import { createHash, randomBytes } from 'node:crypto';
import type { SaslMechanism } from '../ports.ts';

/** Names of the exchange with a server (client-protocol reference, 8.4). */
const SERVICE_REALM = 'zk-sasl-md5';
const DIGEST_URI = `zookeeper/${SERVICE_REALM}`;
const NONCE_COUNT = '00000001';
const NONCE_BYTES = 18;

/** DIGEST-MD5 (RFC 2831) as ZooKeeper's servers speak it. */
export function digestMd5(username: string, password: string): () => SaslMechanism {
  return () => new DigestMd5(username, password);
}

class DigestMd5 implements SaslMechanism {
  readonly #username: string;
  readonly #password: string;
  #step: 'begin' | 'challenge' | 'proof' | 'over' = 'begin';
  #expected = '';

  constructor(username: string, password: string) {
    this.#username = username;
    this.#password = password;
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
    const cnonce = randomBytes(NONCE_BYTES).toString('base64');
    const user = this.#username;
    const a1 = hex(
      Buffer.concat([md5(`${user}:${realm}:${this.#password}`), Buffer.from(`:${nonce}:${cnonce}:${user}`)]),
    );
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
