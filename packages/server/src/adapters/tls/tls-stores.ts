import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { isJks, JksError, type JksStore, readJks } from './jks.ts';
import { Pkcs12Error, pkcs12Certificates } from './pkcs12.ts';

type StoreKind = 'PEM' | 'PKCS12' | 'JKS';

/** A file with keys or certificates. */
export interface StoreFile {
  readonly path: string;
  /** Null: it has none. */
  readonly password: string | null;
  /** A file that holds the password in place of that; read again with the store. */
  readonly passwordPath?: string | null;
  /** Null: told by the end of the path. */
  readonly type: StoreKind | null;
}

/** A certificate with its key, in the form that `node:tls` takes. */
export type KeyMaterial =
  | { readonly pfx: Buffer; readonly passphrase: string }
  | { readonly key: Buffer | string; readonly cert: Buffer | string; readonly passphrase?: string };

/** A store cannot be used; the message names the file and what to do about it. */
export class TlsStoreError extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(`${path}: ${message}`);
    this.name = 'TlsStoreError';
    this.path = path;
  }
}

/** The password in a file, without the end of its line. Throws `TlsStoreError`. */
export function readPasswordFile(path: string): string {
  return readStore(path)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** Reads a key store. Throws `TlsStoreError`. */
export function loadKeyStore(named: StoreFile): KeyMaterial {
  const file = withPassword(named);
  const bytes = readStore(file.path);
  const material = keyMaterial(file, bytes);
  try {
    createSecureContext(material);
  } catch (error) {
    throw new TlsStoreError(file.path, `no certificate with its key, or a wrong password (${reasonOf(error)})`);
  }
  return material;
}

/** Reads the certificates of a trust store, in PEM. Throws `TlsStoreError`. */
export function loadTrustStore(named: StoreFile): string[] {
  const file = withPassword(named);
  const bytes = readStore(file.path);
  const certificates = trustedCertificates(file, bytes);
  if (certificates.length === 0) throw new TlsStoreError(file.path, 'it holds no certificate');
  try {
    createSecureContext({ ca: certificates });
  } catch (error) {
    throw new TlsStoreError(file.path, `a certificate cannot be read (${reasonOf(error)})`);
  }
  return certificates;
}

/** Reads a file of revocation lists in PEM. Throws `TlsStoreError`. */
export function loadRevocationLists(path: string): string[] {
  const lists = readStore(path).toString('latin1').match(pemBlocks('X509 CRL')) ?? [];
  if (lists.length === 0) throw new TlsStoreError(path, 'it holds no revocation list in PEM');
  try {
    createSecureContext({ crl: lists });
  } catch (error) {
    throw new TlsStoreError(path, `a revocation list cannot be read (${reasonOf(error)})`);
  }
  return lists;
}

function withPassword(file: StoreFile): StoreFile {
  const { passwordPath = null } = file;
  return passwordPath === null ? file : { ...file, password: readPasswordFile(passwordPath) };
}

function keyMaterial(file: StoreFile, bytes: Buffer): KeyMaterial {
  const { path, password } = file;
  switch (typeOf(file, bytes)) {
    case 'PKCS12':
      return { pfx: bytes, passphrase: password ?? '' };
    case 'PEM':
      return { key: bytes, cert: bytes, ...(password === null ? {} : { passphrase: password }) };
    default: {
      const { keys } = jksStore(file, bytes);
      const [own] = keys;
      if (own === undefined) throw new TlsStoreError(path, 'it holds no key');
      if (keys.length > 1) {
        const aliases = keys.map(({ alias }) => JSON.stringify(alias)).join(', ');
        throw new TlsStoreError(path, `it holds several keys (${aliases}): leave one, by keytool -delete`);
      }
      return { key: pem('PRIVATE KEY', own.key), cert: own.chain.map((der) => pem('CERTIFICATE', der)).join('') };
    }
  }
}

function trustedCertificates(file: StoreFile, bytes: Buffer): string[] {
  switch (typeOf(file, bytes)) {
    case 'PKCS12':
      return pkcs12Trusted(file, bytes);
    case 'PEM':
      return bytes.toString('latin1').match(pemBlocks('CERTIFICATE')) ?? [];
    default:
      return jksStore(file, bytes).certificates.map((der) => pem('CERTIFICATE', der));
  }
}

function readStore(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new TlsStoreError(path, reasonOf(error));
  }
}

/** What the type or the name says; the contents tell Java's two kinds apart, as Java lets them, for keytool writes either as .jks. */
function typeOf({ path, type }: StoreFile, bytes: Buffer): StoreKind {
  if (isJks(bytes)) return 'JKS';
  const said = type ?? typeOfName(path);
  return said === 'JKS' ? 'PKCS12' : said;
}

function typeOfName(path: string): StoreKind {
  if (/\.pem$/i.test(path)) return 'PEM';
  if (/\.(p12|pfx|pkcs12)$/i.test(path)) return 'PKCS12';
  if (/\.jks$/i.test(path)) return 'JKS';
  throw new TlsStoreError(
    path,
    'its kind cannot be told by its name: .pem, .p12, .pfx and .jks are known; else set its type',
  );
}

function pemBlocks(name: string): RegExp {
  return new RegExp(`-----BEGIN ${name}-----[\\s\\S]+?-----END ${name}-----`, 'g');
}

function pem(name: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${name}-----\n${lines.join('\n')}\n-----END ${name}-----\n`;
}

function jksStore({ path, password }: StoreFile, bytes: Buffer): JksStore {
  try {
    return readJks(bytes, password ?? '');
  } catch (error) {
    if (error instanceof JksError) throw new TlsStoreError(path, error.message);
    throw error;
  }
}

function pkcs12Trusted({ path, password }: StoreFile, bytes: Buffer): string[] {
  try {
    return pkcs12Certificates(bytes, password ?? '').map((der) => pem('CERTIFICATE', der));
  } catch (error) {
    if (error instanceof Pkcs12Error) throw new TlsStoreError(path, error.message);
    throw error;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
