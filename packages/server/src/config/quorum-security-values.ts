/** Java's own kind, JKS, cannot be read. */
export type StoreType = 'PEM' | 'PKCS12';
export type ClientAuth = 'none' | 'want' | 'need';

/** How servers of an ensemble prove to each other who they are. */
export interface QuorumSecurityValues {
  readonly sslQuorum: boolean;
  readonly portUnification: boolean;
  readonly sslQuorumReloadCertFiles: boolean;
  readonly quorumKeyStore: string | null;
  readonly quorumKeyStorePassword: string | null;
  readonly quorumKeyStorePasswordPath: string | null;
  readonly quorumKeyStoreType: StoreType | null;
  readonly quorumTrustStore: string | null;
  readonly quorumTrustStorePassword: string | null;
  readonly quorumTrustStorePasswordPath: string | null;
  readonly quorumTrustStoreType: StoreType | null;
  readonly quorumTlsProtocol: TlsVersion | null;
  readonly quorumTlsProtocols: readonly TlsVersion[] | null;
  /** Names as Java or OpenSSL writes them; null: the runtime's own. */
  readonly quorumCipherSuites: readonly string[] | null;
  readonly quorumHostnameVerification: boolean;
  readonly quorumClientHostnameVerification: boolean;
  readonly quorumReverseDnsLookup: boolean;
  readonly quorumClientAuth: ClientAuth;
  readonly quorumHandshakeDetectionMs: number;
  readonly quorumSasl: boolean;
  readonly quorumLearnerRequiresSasl: boolean;
  readonly quorumServerRequiresSasl: boolean;
  readonly quorumLearnerLoginContext: string;
  readonly quorumServerLoginContext: string;
  /** A JAAS file. */
  readonly loginConfig: string | null;
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';
