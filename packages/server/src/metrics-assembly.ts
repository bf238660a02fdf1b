import type { ServerOptions } from 'node:https';
import { hostname } from 'node:os';
import { loadKeyStore, loadTrustStore, readPasswordFile, TlsStoreError } from './adapters/tls/tls-stores.ts';
import { allMetrics } from './admin/metrics/all-metrics.ts';
import { advanced } from './admin/metrics/metrics-of.ts';
import { MetricsServer } from './admin/metrics/metrics-server.ts';
import { OtlpPush } from './admin/metrics/otlp-push.ts';
import { PauseMonitor } from './admin/metrics/pause-monitor.ts';
import { ProcessMetrics } from './admin/metrics/process-metrics.ts';
import { expositionText, type Family, familiesOf, QuantileWindow } from './admin/metrics/prometheus.ts';
import type { StandaloneStatus } from './admin/standalone-status.ts';
import { ANNOUNCED_VERSION } from './admin/version.ts';
import type { BoundAddress } from './client-port.ts';
import { ConfigError } from './config/config-error.ts';
import type { ServerConfig } from './config/schema.ts';
import type { Clock } from './ports.ts';

export interface MetricsParts {
  readonly status: StandaloneStatus;
  readonly clock: Clock;
  readonly log: {
    info(facts: object, message: string): void;
    warn(facts: object, message: string): void;
  };
}

export interface RunningMetrics {
  /** Where Prometheus may ask, without TLS and with it; null: not there. */
  readonly address: BoundAddress | null;
  readonly secureAddress: BoundAddress | null;
  /** The exposition as it is now. */
  readonly text: () => string;
  stop(): void;
}

/**
 * Tells the metrics to whom the configuration names. A port that cannot be had is told, and the server goes on without.
 */
export async function startMetrics(config: ServerConfig, parts: MetricsParts): Promise<RunningMetrics> {
  const { status, clock, log } = parts;
  const isPrometheus = config.metricsProvider === 'prometheus';
  const stops: (() => void)[] = [];
  if (config.pauseMonitor) {
    const monitor = new PauseMonitor({
      sleepMs: config.pauseSleepMs,
      infoMs: config.pauseInfoMs,
      warnMs: config.pauseWarnMs,
      nowMs: () => clock.monotonicMs(),
      log,
    });
    status.addMetrics(() => [advanced('jvm_pause_time_ms', monitor.pauses)]);
    stops.push(() => monitor.stop());
  }
  const window = new QuantileWindow(() => clock.monotonicMs());
  let ofProcess: ProcessMetrics | null = null;
  const families = (): Family[] => {
    // Nobody pays for what nobody has asked for.
    if (config.metricsExportProcess) ofProcess ??= new ProcessMetrics(() => status.fileDescriptors(), clock.wallMs());
    return [...familiesOf(allMetrics(status), window), ...(ofProcess?.families() ?? [])];
  };
  stops.push(() => ofProcess?.stop());
  const text = (): string => expositionText(families());
  const tls = metricsTls(config);

  const open = async (port: number | null, secure: ServerOptions | null): Promise<BoundAddress | null> => {
    if (!isPrometheus || port === null) return null;
    const host = config.metricsHttpHost;
    const failed = (error: Error): void => log.warn({}, `the metrics cannot be told: ${error.message}`);
    const server = new MetricsServer({ host, port, tls: secure, text, failed });
    try {
      const address = await server.listen();
      stops.push(() => server.stop());
      log.info({ ...address, tls: secure !== null }, 'metrics at /metrics');
      return address;
    } catch (error) {
      server.stop();
      const key = secure === null ? 'metricsProvider.httpPort' : 'metricsProvider.httpsPort';
      log.warn({ host, port }, `no metrics for Prometheus: ${(error as Error).message}; set ${key}`);
      return null;
    }
  };
  const address = await open(config.metricsHttpPort, null);
  const secureAddress = await open(config.metricsHttpsPort, tls);

  if (config.otlpEndpoint !== null) {
    const push = new OtlpPush({
      endpoint: config.otlpEndpoint,
      intervalMs: config.otlpIntervalMs,
      headers: config.otlpHeaders,
      resource: {
        'service.name': 'headkeeper',
        'service.version': ANNOUNCED_VERSION,
        'service.instance.id': `${hostname()}:${config.clientPort}`,
        ...(config.ensemble === null ? {} : { 'headkeeper.server.id': String(config.ensemble.sid) }),
      },
      families,
      wallMs: () => clock.wallMs(),
      failed: (reason) => log.warn({}, `the metrics cannot be pushed: ${reason}`),
      recovered: () => log.info({}, 'the metrics are pushed again'),
    });
    stops.push(() => push.stop());
  }
  return {
    address,
    secureAddress,
    text,
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

/**
 * Certificate and key of the port for Prometheus; null: it is not there.
 *
 * @throws ConfigError when they cannot be used.
 */
export function metricsTls(config: ServerConfig): ServerOptions | null {
  const { metricsProvider, metricsHttpsPort, metricsKeyStore: path, metricsTrustStore } = config;
  if (metricsProvider !== 'prometheus' || metricsHttpsPort === null) return null;
  if (path === null) {
    throw new ConfigError([
      'metricsProvider.httpsPort needs a certificate: set metricsProvider.ssl.keyStore.location to a file with it and its key',
    ]);
  }
  try {
    const keys = loadKeyStore({
      path,
      password: passwordOf(config.metricsKeyStorePassword, config.metricsKeyStorePasswordPath),
      type: config.metricsKeyStoreType,
    });
    if (metricsTrustStore === null) return { ...keys, minVersion: 'TLSv1.2' };
    const ca = loadTrustStore({
      path: metricsTrustStore,
      password: passwordOf(config.metricsTrustStorePassword, config.metricsTrustStorePasswordPath),
      type: config.metricsTrustStoreType,
    });
    const isNeeded = config.metricsNeedClientAuth;
    return { ...keys, ca, requestCert: isNeeded, rejectUnauthorized: isNeeded, minVersion: 'TLSv1.2' };
  } catch (error) {
    if (!(error instanceof TlsStoreError)) throw error;
    throw new ConfigError([error.message]);
  }
}

/** The file's counts, as on Apache. */
function passwordOf(password: string | null, path: string | null): string | null {
  return path === null ? password : readPasswordFile(path);
}
