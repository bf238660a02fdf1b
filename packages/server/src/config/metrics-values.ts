import type { StoreType } from './tls-values.ts';

export type MetricsProvider = 'default' | 'prometheus' | 'null';

/** What a configuration says of metrics. Times in milliseconds. */
export interface MetricsValues {
  readonly metricsProvider: MetricsProvider;
  /** Where metrics are told to Prometheus. */
  readonly metricsHttpHost: string;
  /** 0: any free port; null: none. */
  readonly metricsHttpsPort: number | null;
  readonly metricsHttpPort: number | null;
  readonly metricsKeyStore: string | null;
  readonly metricsKeyStorePassword: string | null;
  readonly metricsKeyStorePasswordPath: string | null;
  readonly metricsKeyStoreType: StoreType | null;
  readonly metricsTrustStore: string | null;
  readonly metricsTrustStorePassword: string | null;
  readonly metricsTrustStorePasswordPath: string | null;
  readonly metricsTrustStoreType: StoreType | null;
  /** Whether whoever asks must show a certificate that the trust store knows. */
  readonly metricsNeedClientAuth: boolean;
  /** Whether the process itself is told of, too. */
  readonly metricsExportProcess: boolean;
  /** Where metrics are pushed to; null: nowhere. */
  readonly otlpEndpoint: string | null;
  readonly otlpIntervalMs: number;
  /** Header lines of those requests. */
  readonly otlpHeaders: readonly (readonly [name: string, value: string])[];
  readonly pauseMonitor: boolean;
  readonly pauseInfoMs: number;
  readonly pauseWarnMs: number;
  readonly pauseSleepMs: number;
}
