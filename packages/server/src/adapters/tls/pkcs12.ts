import { createDecipheriv, pbkdf2Sync } from 'node:crypto';
import { DerError, DerReader, DerTag } from './der-reader.ts';

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  x509: '1.2.840.113549.1.9.22.1',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
} as const;

const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
};

/** More rounds than this take longer than anybody would wait. */
const MAX_ROUNDS = 10_000_000;

/** A PKCS12 file cannot be used; the message says what to do about it. */
export class Pkcs12Error extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Pkcs12Error';
  }
}

/**
 * The certificates in a PKCS12 file (RFC 7292), in DER. `node:tls` takes only files with a key, which a trust store has
 * not. Files are understood as current keytool and OpenSSL write them: plain, or encrypted by PBES2 with AES. The file's
 * own checksum is not looked at. Throws `Pkcs12Error`.
 */
export function pkcs12Certificates(bytes: Buffer, password: string): Buffer[] {
  try {
    const certificates: Buffer[] = [];
    const file = new DerReader(bytes).into(DerTag.sequence);
    file.integer();
    const safes = new DerReader(plainContent(file)).into(DerTag.sequence);
    while (!safes.isAtEnd) {
      const bags = new DerReader(contentOf(safes.into(DerTag.sequence), password)).into(DerTag.sequence);
      while (!bags.isAtEnd) collect(bags.into(DerTag.sequence), certificates);
    }
    return certificates;
  } catch (error) {
    if (error instanceof DerError) throw new Pkcs12Error(`no PKCS12 file that is understood: ${error.message}`);
    throw error;
  }
}

function plainContent(file: DerReader): Buffer {
  const content = file.into(DerTag.sequence);
  if (content.oid() !== OID.data) throw new Pkcs12Error('it is signed with a certificate, which is not supported');
  return content.into(DerTag.context0).take(DerTag.octets);
}

function contentOf(content: DerReader, password: string): Buffer {
  const kind = content.oid();
  if (kind === OID.data) return content.into(DerTag.context0).take(DerTag.octets);
  if (kind !== OID.encryptedData) throw new Pkcs12Error(`it has contents of a kind that is not supported (${kind})`);
  const encrypted = content.into(DerTag.context0).into(DerTag.sequence);
  encrypted.integer();
  const info = encrypted.into(DerTag.sequence);
  info.oid();
  const algorithm = info.into(DerTag.sequence);
  const secret =
    info.nextTag === DerTag.context0
      ? info.into(DerTag.context0).take(DerTag.octets)
      : info.take(DerTag.context0Octets);
  return decrypt(algorithm, secret, password);
}

function decrypt(algorithm: DerReader, secret: Buffer, password: string): Buffer {
  const scheme = algorithm.oid();
  if (scheme !== OID.pbes2) {
    throw new Pkcs12Error(
      `its certificates are encrypted in an outdated way (${scheme}): make it anew with a current keytool or openssl pkcs12`,
    );
  }
  const parameters = algorithm.into(DerTag.sequence);
  const derivation = parameters.into(DerTag.sequence);
  if (derivation.oid() !== OID.pbkdf2) throw new Pkcs12Error('its key is derived in a way that is not supported');
  const derived = derivation.into(DerTag.sequence);
  const salt = derived.take(DerTag.octets);
  const rounds = derived.integer();
  if (derived.nextTag === DerTag.integer) derived.integer();
  const hash = derived.isAtEnd ? 'sha1' : HASHES[derived.into(DerTag.sequence).oid()];
  const encryption = parameters.into(DerTag.sequence);
  const cipher = CIPHERS[encryption.oid()];
  if (hash === undefined || cipher === undefined)
    throw new Pkcs12Error('it is encrypted in a way that is not supported');
  if (rounds < 1 || rounds > MAX_ROUNDS) throw new Pkcs12Error(`its key takes ${rounds} rounds to derive`);
  const key = pbkdf2Sync(password, salt, rounds, cipher.keyBytes, hash);
  const vector = encryption.take(DerTag.octets);
  try {
    const decipher = createDecipheriv(cipher.name, key, vector);
    return Buffer.concat([decipher.update(secret), decipher.final()]);
  } catch {
    throw new Pkcs12Error('the password is wrong');
  }
}

function collect(bag: DerReader, certificates: Buffer[]): void {
  if (bag.oid() !== OID.certificateBag) return;
  const value = bag.into(DerTag.context0).into(DerTag.sequence);
  if (value.oid() === OID.x509) certificates.push(value.into(DerTag.context0).take(DerTag.octets));
}
