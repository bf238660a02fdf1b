import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { Pkcs12Error, pkcs12Certificates } from './pkcs12.ts';

/** A file with keys or certificates. */
export interface StoreFile {
  readonly path: string;
  /** Null: it has none. */
  readonly password: string | null;
  /** Null: told by the end of the path. */
  readonly type: 'PEM' | 'PKCS12' | null;
}

/** A certificate with its key, in the form that `node:tls` takes. */
export type KeyMaterial =
  | { readonly pfx: Buffer; readonly passphrase: string }
  | { readonly key: Buffer; readonly cert: Buffer; readonly passphrase?: string };

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
export function loadKeyStore(file: StoreFile): KeyMaterial {
  const bytes = readStore(file.path);
  const { password } = file;
  const material: KeyMaterial =
    typeOf(file, bytes) === 'PKCS12'
      ? { pfx: bytes, passphrase: password ?? '' }
      : { key: bytes, cert: bytes, ...(password === null ? {} : { passphrase: password }) };
  try {
    createSecureContext(material);
  } catch (error) {
    throw new TlsStoreError(file.path, `no certificate with its key, or a wrong password (${reasonOf(error)})`);
  }
  return material;
}

/** Reads the certificates of a trust store, in PEM. Throws `TlsStoreError`. */
export function loadTrustStore(file: StoreFile): string[] {
  const bytes = readStore(file.path);
  const certificates = typeOf(file, bytes) === 'PKCS12' ? pkcs12Trusted(file, bytes) : pemCertificates(bytes);
  if (certificates.length === 0) throw new TlsStoreError(file.path, 'it holds no certificate');
  try {
    createSecureContext({ ca: certificates });
  } catch (error) {
    throw new TlsStoreError(file.path, `a certificate cannot be read (${reasonOf(error)})`);
  }
  return certificates;
}

function readStore(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new TlsStoreError(path, reasonOf(error));
  }
}

function typeOf({ path, type }: StoreFile, bytes: Buffer): 'PEM' | 'PKCS12' {
  if (bytes.length >= 4 && bytes.readUInt32BE(0) === 0xfeedfeed) {
    throw new TlsStoreError(path, 'a JKS store, which cannot be read: turn it into PKCS12 by keytool -importkeystore');
  }
  if (type !== null) return type;
  if (/\.pem$/i.test(path)) return 'PEM';
  if (/\.(p12|pfx|pkcs12)$/i.test(path)) return 'PKCS12';
  throw new TlsStoreError(
    path,
    'its kind cannot be told by its name: .pem, .p12 and .pfx are known; else set its type',
  );
}

function pemCertificates(bytes: Buffer): string[] {
  return bytes.toString('latin1').match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}

function pkcs12Trusted({ path, password }: StoreFile, bytes: Buffer): string[] {
  try {
    return pkcs12Certificates(bytes, password ?? '').map(
      (der) => `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`,
    );
  } catch (error) {
    if (error instanceof Pkcs12Error) throw new TlsStoreError(path, error.message);
    throw error;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
