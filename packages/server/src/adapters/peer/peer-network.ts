import { unwatchFile, watchFile } from 'node:fs';
import { QuorumTls } from './quorum-tls.ts';
import { TcpNetwork } from './tcp-network.ts';
import { readPasswordFile, type StoreFile, TlsStoreError } from './tls-stores.ts';

/** How often the stores are looked at for changes. */
const WATCH_MS = 5_000;

/** The settings of TLS between servers, as the configuration names them. */
export interface PeerTlsValues {
  readonly sslQuorum: boolean;
  readonly portUnification: boolean;
  readonly sslQuorumReloadCertFiles: boolean;
  readonly quorumKeyStore: string | null;
  readonly quorumKeyStorePassword: string | null;
  readonly quorumKeyStorePasswordPath: string | null;
  readonly quorumKeyStoreType: StoreFile['type'];
  readonly quorumTrustStore: string | null;
  readonly quorumTrustStorePassword: string | null;
  readonly quorumTrustStorePasswordPath: string | null;
  readonly quorumTrustStoreType: StoreFile['type'];
  readonly quorumTlsProtocol: 'TLSv1.2' | 'TLSv1.3' | null;
  readonly quorumTlsProtocols: readonly ('TLSv1.2' | 'TLSv1.3')[] | null;
  readonly quorumCipherSuites: readonly string[] | null;
  readonly quorumHostnameVerification: boolean;
  readonly quorumClientHostnameVerification: boolean;
  readonly quorumReverseDnsLookup: boolean;
  readonly quorumClientAuth: 'none' | 'want' | 'need';
  readonly quorumHandshakeDetectionMs: number;
}

/**
 * The network between servers as it is configured: plain, TLS, or both on one port.
 *
 * @param failed hears of peers that were not let in, and of stores that cannot be read again.
 * @param memberHosts the hosts of the ensemble's members as they are now: whose certificates may connect.
 * @throws TlsStoreError when a key or trust store cannot be used.
 */
export function createPeerNetwork(
  values: PeerTlsValues,
  failed: (error: Error) => void,
  memberHosts: () => readonly string[] = () => [],
): TcpNetwork {
  if (!values.sslQuorum && !values.portUnification) return new TcpNetwork({ failed });
  const keyStore = storeOf(
    values.quorumKeyStore,
    values.quorumKeyStorePassword,
    values.quorumKeyStorePasswordPath,
    values.quorumKeyStoreType,
  );
  if (keyStore === null) throw new TlsStoreError('ssl.quorum.keyStore.location', 'not set, and TLS needs it');
  const trustStore = storeOf(
    values.quorumTrustStore,
    values.quorumTrustStorePassword,
    values.quorumTrustStorePasswordPath,
    values.quorumTrustStoreType,
  );
  const { quorumTlsProtocol } = values;
  const tls = new QuorumTls({
    keyStore,
    trustStore,
    protocols: values.quorumTlsProtocols ?? (quorumTlsProtocol === null ? ['TLSv1.2', 'TLSv1.3'] : [quorumTlsProtocol]),
    cipherSuites: values.quorumCipherSuites,
    clientAuth: values.quorumClientAuth,
    hostnameVerification: values.quorumHostnameVerification,
    clientHostnameVerification: values.quorumClientHostnameVerification,
    memberHosts,
    reverseDnsLookup: values.quorumReverseDnsLookup,
  });
  if (values.sslQuorumReloadCertFiles) {
    const paths = trustStore === null ? [keyStore.path] : [keyStore.path, trustStore.path];
    watchStores(paths, tls, failed);
  }
  return new TcpNetwork({
    failed,
    secure: {
      tls,
      outgoing: values.sslQuorum,
      acceptPlain: values.portUnification,
      detectionTimeoutMs: values.quorumHandshakeDetectionMs,
    },
  });
}

/** Reads the stores again when one of the files changes. Does not keep the process alive. Returns how to stop. */
export function watchStores(
  paths: readonly string[],
  tls: QuorumTls,
  failed: (error: Error) => void,
  intervalMs: number = WATCH_MS,
): () => void {
  const changed = (): void => {
    try {
      tls.reload();
    } catch (error) {
      if (!(error instanceof TlsStoreError)) throw error;
      failed(new Error(`certificates were not read again: ${error.message}`, { cause: error }));
    }
  };
  for (const path of paths) watchFile(path, { interval: intervalMs, persistent: false }, changed);
  return () => {
    for (const path of paths) unwatchFile(path, changed);
  };
}

function storeOf(
  path: string | null,
  password: string | null,
  passwordPath: string | null,
  type: StoreFile['type'],
): StoreFile | null {
  if (path === null) return null;
  return { path, password: passwordPath === null ? password : readPasswordFile(passwordPath), type };
}
