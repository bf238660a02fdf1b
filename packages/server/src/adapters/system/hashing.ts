import { createHash, createHmac, getHashes } from 'node:crypto';
import type { Hashing } from '../../ports.ts';

/** A digest algorithm that this machine does not offer was named (in `zookeeper.DigestAuthenticationProvider.digestAlg`). */
export class UnknownDigestAlgorithm extends Error {
  readonly algorithm: string;

  constructor(algorithm: string) {
    super(`unknown digest algorithm ${JSON.stringify(algorithm)}: known are ${Object.keys(javaNames).join(', ')}`);
    this.name = 'UnknownDigestAlgorithm';
    this.algorithm = algorithm;
  }
}

/** Java's `MessageDigest` names, upper case, and what Node calls them. */
const javaNames: Readonly<Record<string, string>> = {
  MD5: 'md5',
  SHA1: 'sha1',
  'SHA-1': 'sha1',
  SHA: 'sha1',
  SHA224: 'sha224',
  'SHA-224': 'sha224',
  SHA256: 'sha256',
  'SHA-256': 'sha256',
  SHA384: 'sha384',
  'SHA-384': 'sha384',
  SHA512: 'sha512',
  'SHA-512': 'sha512',
  'SHA-512/224': 'sha512-224',
  'SHA-512/256': 'sha512-256',
  'SHA3-224': 'sha3-224',
  'SHA3-256': 'sha3-256',
  'SHA3-384': 'sha3-384',
  'SHA3-512': 'sha3-512',
};

/** Hashing by Node's OpenSSL. `digest` throws `UnknownDigestAlgorithm` for a name that is none of Java's. */
export function createHashing(): Hashing {
  const offered = new Set(getHashes().map((name) => name.toLowerCase()));
  return {
    digest(algorithm: string, bytes: Uint8Array): Uint8Array {
      const name = Object.hasOwn(javaNames, algorithm.toUpperCase()) ? javaNames[algorithm.toUpperCase()] : undefined;
      if (name === undefined || !offered.has(name)) throw new UnknownDigestAlgorithm(algorithm);
      return new Uint8Array(createHash(name).update(bytes).digest());
    },
    hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
      return new Uint8Array(createHmac('sha256', key).update(bytes).digest());
    },
  };
}
