import { lookupService } from 'node:dns';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { openSslCipherName } from './cipher-names.ts';
import {
  type KeyMaterial,
  loadKeyStore,
  loadRevocationLists,
  loadTrustStore,
  type StoreFile,
  TlsStoreError,
} from './tls-stores.ts';

export interface TlsContextOptions {
  /** This server's certificate and key. */
  readonly keyStore: StoreFile;
  /** The certificates that are trusted; null: those the runtime trusts. */
  readonly trustStore: StoreFile | null;
  readonly protocols: readonly ('TLSv1.2' | 'TLSv1.3')[];
  /** Names as Java or OpenSSL writes them; null: the runtime's. */
  readonly cipherSuites: readonly string[] | null;
  /** A file of revocation lists; null: nothing is taken for revoked. */
  readonly revocationLists: string | null;
  /** Whether who connects has to show a certificate; `want`: only one that is shown is looked at. */
  readonly clientAuth: 'none' | 'want' | 'need';
  /** Whether the certificate of a server that was connected to must be for its address. */
  readonly hostnameVerification: boolean;
  /** The same for those that connect; it counts only beside the former. */
  readonly clientHostnameVerification: boolean;
  /** The hosts of the ensemble's members as they are configured now: a server that connects may have a certificate for one. */
  readonly memberHosts: () => readonly string[];
  /** Whether a certificate for whatever name the DNS gives for the address will do (CVE-2026-24281). */
  readonly reverseDnsLookup: boolean;
}

/** TLS with other servers (election-protocol reference, 2.8) or with clients: key material, and whom to believe. */
export class TlsContext {
  readonly #options: TlsContextOptions;
  #context: SecureContextOptions;
  #generation = 0;

  /** Reads the stores. Throws `TlsStoreError` when they cannot be used. */
  constructor(options: TlsContextOptions) {
    this.#options = options;
    this.#context = loadContext(options);
  }

  /** The files that it is made of. */
  get files(): string[] {
    const { keyStore, trustStore, revocationLists } = this.#options;
    const others = [keyStore.passwordPath, trustStore?.path, trustStore?.passwordPath, revocationLists].filter(
      (path) => path !== undefined && path !== null,
    );
    return [keyStore.path, ...others];
  }

  /** Grows with every reload. */
  get generation(): number {
    return this.#generation;
  }

  /** Reads the stores again, for connections to come. Throws `TlsStoreError`, and goes on with what it has. */
  reload(): void {
    this.prepareReload()();
  }

  /** Reads the stores again; what it returns puts them into use. Throws `TlsStoreError`. */
  prepareReload(): () => void {
    const context = loadContext(this.#options);
    return () => {
      this.#context = context;
      this.#generation++;
    };
  }

  acceptOptions(): TlsOptions {
    // Who may not come in is refused by `verifyClient`, which can say why.
    const requestCert = this.#options.clientAuth !== 'none';
    return { ...this.#context, requestCert, rejectUnauthorized: false };
  }

  connectOptions(): ConnectionOptions {
    // The name is checked by `verifyServer`, which may have to look it up.
    return { ...this.#context, rejectUnauthorized: true, checkServerIdentity: () => undefined };
  }

  /** Whether the server behind a finished handshake is the one at `host`; `done` is told null, or what is wrong. */
  verifyServer(socket: TLSSocket, host: string, done: (error: Error | null) => void): void {
    if (!this.#options.hostnameVerification) done(null);
    else this.#verifyNames(socket, [socket.remoteAddress ?? '', host], done);
  }

  /** Whether the peer at `address`, which has connected, may; `done` is told null, or what is wrong. */
  verifyClient(socket: TLSSocket, address: string, done: (error: Error | null) => void): void {
    const { clientAuth, hostnameVerification, clientHostnameVerification } = this.#options;
    const hasCertificate = Object.keys(socket.getPeerCertificate()).length > 0;
    if (clientAuth === 'none' || (clientAuth === 'want' && !hasCertificate)) done(null);
    else if (!hasCertificate) done(new Error('it has shown no certificate'));
    else if (!socket.authorized) done(new Error(`its certificate is refused: ${socket.authorizationError}`));
    else if (!hostnameVerification || !clientHostnameVerification) done(null);
    else this.#verifyNames(socket, [...this.#options.memberHosts(), address], done);
  }

  #verifyNames(socket: TLSSocket, names: readonly string[], done: (error: Error | null) => void): void {
    const certificate = socket.getPeerCertificate();
    const error = isFor(certificate, names);
    if (error === null || !this.#options.reverseDnsLookup) {
      done(error);
      return;
    }
    lookupService(socket.remoteAddress ?? '', socket.remotePort ?? 0, (lookupError, host) => {
      done(lookupError === null ? isFor(certificate, [host]) : error);
    });
  }
}

/** Null when the certificate is for one of the names, else what is wrong with the last. */
function isFor(certificate: PeerCertificate, names: readonly string[]): Error | null {
  let wrong: Error | null = null;
  for (const name of names) {
    const error = checkServerIdentity(name.replace(/^::ffff:(?=.*\.)/, ''), certificate);
    if (error === undefined) return null;
    wrong = error;
  }
  return wrong;
}

function loadContext(options: TlsContextOptions): SecureContextOptions {
  const { keyStore, trustStore, protocols, cipherSuites, revocationLists } = options;
  const own: KeyMaterial = loadKeyStore(keyStore);
  const trusted = trustStore === null ? null : loadTrustStore(trustStore);
  const sorted = [...protocols].sort();
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  const context: SecureContextOptions = {
    ...own,
    ...(trusted === null ? {} : { ca: trusted }),
    ...(revocationLists === null ? {} : { crl: loadRevocationLists(revocationLists) }),
    ...(lowest === undefined ? {} : { minVersion: lowest }),
    ...(highest === undefined ? {} : { maxVersion: highest }),
    ...(cipherSuites === null ? {} : { ciphers: cipherSuites.map(openSslCipherName).join(':') }),
  };
  // Says now what would otherwise be said at the first connection.
  try {
    createSecureContext(context);
  } catch (error) {
    throw new TlsStoreError(keyStore.path, `it cannot be used with these settings (${(error as Error).message})`);
  }
  return context;
}
