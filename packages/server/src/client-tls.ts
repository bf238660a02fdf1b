import type { Identity } from '@headkeeper/protocol';
import { SecureDoor } from './adapters/client/secure-door.ts';
import { boundedReports } from './adapters/peer/failure-reports.ts';
import { type CertificateIdRules, certificateId } from './adapters/tls/certificate-identity.ts';
import { configuredContext, watchStores } from './adapters/tls/configured-context.ts';
import { DerError } from './adapters/tls/der-reader.ts';
import type { TlsContext } from './adapters/tls/tls-context.ts';
import { TlsStoreError } from './adapters/tls/tls-stores.ts';
import { ConfigError } from './config/config-error.ts';
import type { LiveSettings } from './config/live-settings.ts';
import type { ServerConfig } from './config/schema.ts';
import { tlsFamilyOf } from './config/tls-family.ts';
import { limits } from './limits.ts';
import type { Clock } from './ports.ts';
import type { ServerLog } from './start-error.ts';

/**
 * TLS with clients as it is configured; null: no port takes it.
 *
 * @throws ConfigError when a key or trust store cannot be used.
 */
export function clientTls(config: ServerConfig, log: ServerLog): TlsContext | null {
  if (config.secureClientPort < 0 && !config.clientPortUnification) return null;
  try {
    return configuredContext(tlsFamilyOf(config, 'ssl'), 'ssl.keyStore.location');
  } catch (error) {
    if (!(error instanceof TlsStoreError)) throw error;
    log.error({}, error.message);
    throw new ConfigError([error.message]);
  }
}

/** Reads the stores again with each reload of the configuration, which is refused when they are bad. */
export function reloadClientStores(tls: TlsContext, live: LiveSettings): void {
  live.readAnew("clients' certificates", () => {
    try {
      return tls.prepareReload();
    } catch (error) {
      if (!(error instanceof TlsStoreError)) throw error;
      throw new ConfigError([error.message]);
    }
  });
}

/** Reads the stores again when they change (`client.certReload`); returns how to stop. */
export function watchClientStores(tls: TlsContext, log: ServerLog): () => void {
  return watchStores(tls, {
    reloaded: () => log.info({}, 'certificates for clients were read again'),
    failed: (error) => log.error({}, `${error.message}; those read before stay in use`),
  });
}

/** TLS in front of one client port. */
export function secureDoor(
  config: ServerConfig,
  tls: TlsContext,
  acceptPlain: boolean,
  parts: { readonly clock: Clock; readonly log: ServerLog; readonly isServing: () => boolean },
): SecureDoor {
  const { clock, log, isServing } = parts;
  const failed = boundedReports(clock, (error) => log.warn({}, error.message));
  return new SecureDoor({
    tls,
    acceptPlain,
    detectionTimeoutMs: config.sslHandshakeDetectionMs,
    handshakeTimeoutMs: limits.handshakeMs,
    mostHandshakes: config.outstandingHandshakeLimit,
    identitiesOf: identitiesByCertificate(config),
    admits: () => !config.earlyDropHandshakes || isServing(),
    failed: (address, error) => {
      failed(new Error(`TLS with the client at ${address}: ${reasonOf(error)}`, { cause: error }));
    },
  });
}

/** Tells who shows a certificate (DER); null: nobody whose name could be told or kept. */
export function identitiesByCertificate(config: ServerConfig): (certificate: Buffer) => readonly Identity[] | null {
  const rules: CertificateIdRules = {
    type: config.x509IdType,
    matchType: config.x509SanMatchType,
    matchRegex: new RegExp(config.x509SanMatchRegex, 'u'),
    extractRegex: new RegExp(config.x509SanExtractRegex, 'u'),
    extractGroup: config.x509SanExtractGroup,
  };
  return (certificate) => clientIdentities(certificate, rules, config.x509SuperUser);
}

/** Who the client with this certificate is; null: nobody whose name could be told or kept. */
function clientIdentities(
  certificate: Buffer,
  rules: CertificateIdRules,
  superUser: string | null,
): readonly Identity[] | null {
  try {
    const id = certificateId(certificate, rules);
    if (Buffer.byteLength(id) > limits.certificateIdBytes) return null;
    const identity: Identity = { scheme: 'x509', id };
    return id === superUser ? [{ scheme: 'super', id }, identity] : [identity];
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return null;
  }
}

/** OpenSSL's own word for it, where there is one, in place of the whole line with files and numbers. */
function reasonOf(error: Error): string {
  const { reason } = error as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : JSON.stringify(error.message);
}
