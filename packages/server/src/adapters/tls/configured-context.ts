import { unwatchFile, watchFile } from 'node:fs';
import { TlsContext } from './tls-context.ts';
import { type StoreFile, TlsStoreError } from './tls-stores.ts';

/** How often the stores are looked at for changes. */
const WATCH_MS = 5_000;

/** One family of TLS settings, as the configuration names them. */
export interface TlsValues {
  readonly keyStore: string | null;
  readonly keyStorePassword: string | null;
  readonly keyStorePasswordPath: string | null;
  readonly keyStoreType: StoreFile['type'];
  readonly trustStore: string | null;
  readonly trustStorePassword: string | null;
  readonly trustStorePasswordPath: string | null;
  readonly trustStoreType: StoreFile['type'];
  readonly tlsProtocol: 'TLSv1.2' | 'TLSv1.3' | null;
  readonly tlsProtocols: readonly ('TLSv1.2' | 'TLSv1.3')[] | null;
  readonly cipherSuites: readonly string[] | null;
  readonly crlLocation: string | null;
  readonly hostnameVerification: boolean;
  readonly clientHostnameVerification: boolean;
  readonly reverseDnsLookup: boolean;
  readonly clientAuth: 'none' | 'want' | 'need';
}

/**
 * The TLS that one family of settings describes. `keyStoreKey` names the setting without which there is none; `memberHosts` are
 * those of the servers that connect, if servers do.
 *
 * @throws TlsStoreError when a file cannot be used.
 */
export function configuredContext(
  values: TlsValues,
  keyStoreKey: string,
  memberHosts: () => readonly string[] = () => [],
): TlsContext {
  const { tlsProtocol } = values;
  const keyStore = storeOf(values.keyStore, values.keyStorePassword, values.keyStorePasswordPath, values.keyStoreType);
  if (keyStore === null) throw new TlsStoreError(keyStoreKey, 'not set, and TLS needs it');
  return new TlsContext({
    keyStore,
    trustStore: storeOf(
      values.trustStore,
      values.trustStorePassword,
      values.trustStorePasswordPath,
      values.trustStoreType,
    ),
    revocationLists: values.crlLocation,
    protocols: values.tlsProtocols ?? (tlsProtocol === null ? ['TLSv1.2', 'TLSv1.3'] : [tlsProtocol]),
    cipherSuites: values.cipherSuites,
    clientAuth: values.clientAuth,
    hostnameVerification: values.hostnameVerification,
    clientHostnameVerification: values.clientHostnameVerification,
    memberHosts,
    reverseDnsLookup: values.reverseDnsLookup,
  });
}

/** What hears of changes to the files of a context. */
export interface StoreWatcher {
  /** They were read again. */
  readonly reloaded?: () => void;
  /** They cannot be used: what was read before goes on. */
  readonly failed: (error: Error) => void;
  readonly intervalMs?: number;
}

/** Reads the files of a context again when one of them changes. Does not keep the process alive. Returns how to stop. */
export function watchStores(tls: TlsContext, watcher: StoreWatcher): () => void {
  const { files } = tls;
  const changed = (): void => {
    try {
      tls.reload();
      watcher.reloaded?.();
    } catch (error) {
      if (!(error instanceof TlsStoreError)) throw error;
      watcher.failed(new Error(`certificates were not read again: ${error.message}`, { cause: error }));
    }
  };
  for (const file of files) {
    watchFile(file, { interval: watcher.intervalMs ?? WATCH_MS, persistent: false }, changed);
  }
  return () => {
    for (const file of files) unwatchFile(file, changed);
  };
}

function storeOf(
  path: string | null,
  password: string | null,
  passwordPath: string | null,
  type: StoreFile['type'],
): StoreFile | null {
  if (path === null) return null;
  return { path, password, passwordPath, type };
}
