/** The door to the files that clients and servers both read: Java's properties, key and trust stores, JAAS logins. */

export { JaasError, learnerCredentials as loginCredentials, parseJaas } from './adapters/sasl/jaas-file.ts';
export { openSslCipherName } from './adapters/tls/cipher-names.ts';
export { configuredContext } from './adapters/tls/configured-context.ts';
export {
  type KeyMaterial,
  loadKeyStore,
  loadTrustStore,
  readPasswordFile,
  type StoreFile,
  TlsStoreError,
} from './adapters/tls/tls-stores.ts';
export { type PropertyLine, readProperties } from './config/properties.ts';
export { propertiesFromFlags, type SystemProperty } from './config/system-properties.ts';
export { tlsFamilyOf } from './config/tls-family.ts';
