/** JKS: Java's own kind. */
export type StoreType = 'PEM' | 'PKCS12' | 'JKS';
export type ClientAuth = 'none' | 'want' | 'need';
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** One family of settings of TLS: `ssl.*` is for clients, `ssl.quorum.*` for connections between servers. */
export interface TlsFamily {
  readonly keyStore: string | null;
  readonly keyStorePassword: string | null;
  readonly keyStorePasswordPath: string | null;
  readonly keyStoreType: StoreType | null;
  readonly trustStore: string | null;
  readonly trustStorePassword: string | null;
  readonly trustStorePasswordPath: string | null;
  readonly trustStoreType: StoreType | null;
  readonly tlsProtocol: TlsVersion | null;
  readonly tlsProtocols: readonly TlsVersion[] | null;
  /** Names as Java or OpenSSL writes them; null: the runtime's own. */
  readonly cipherSuites: readonly string[] | null;
  readonly hostnameVerification: boolean;
  readonly clientHostnameVerification: boolean;
  readonly reverseDnsLookup: boolean;
  readonly clientAuth: ClientAuth;
  readonly crl: boolean;
  /** A file of revocation lists. */
  readonly crlLocation: string | null;
  readonly ocsp: boolean;
  readonly handshakeDetectionMs: number;
}

/** The family under the names that it has among all settings. */
export type TlsFamilyValues<Name extends string> = {
  readonly [Key in keyof TlsFamily as `${Name}${Capitalize<Key>}`]: TlsFamily[Key];
};
