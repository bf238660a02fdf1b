import type { MetricsValues } from '../../src/config/metrics-values.ts';
import { NOT_A_NUMBER, NOT_A_SWITCH } from './ensemble-values.ts';

const NOT_A_PORT = [...NOT_A_NUMBER, '-1', '65536'];
const NOT_A_STORE = ['', 'DER', 'p12x'];

/** For every setting of metrics: a text that differs from the default, and what it must become. */
export const GOOD_METRICS_VALUES: { readonly [Name in keyof MetricsValues]: [string, MetricsValues[Name]] } = {
  metricsProvider: ['org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider', 'prometheus'],
  metricsHttpHost: ['0.0.0.0', '0.0.0.0'],
  metricsHttpPort: ['7001', 7001],
  metricsHttpsPort: ['7443', 7443],
  metricsKeyStore: ['/etc/keys.pem', '/etc/keys.pem'],
  metricsKeyStorePassword: ['secret', 'secret'],
  metricsKeyStorePasswordPath: ['/etc/word', '/etc/word'],
  metricsKeyStoreType: ['pem', 'PEM'],
  metricsTrustStore: ['/etc/trust.p12', '/etc/trust.p12'],
  metricsTrustStorePassword: ['secret', 'secret'],
  metricsTrustStorePasswordPath: ['/etc/word', '/etc/word'],
  metricsTrustStoreType: ['PKCS12', 'PKCS12'],
  metricsNeedClientAuth: ['true', true],
  metricsExportProcess: ['false', false],
  otlpEndpoint: ['https://collector:4318/v1/metrics', 'https://collector:4318/v1/metrics'],
  otlpIntervalMs: ['5000', 5000],
  otlpHeaders: [
    'authorization=Bearer a=b, x-scope=1',
    [
      ['authorization', 'Bearer a=b'],
      ['x-scope', '1'],
    ],
  ],
  pauseMonitor: ['true', true],
  pauseInfoMs: ['200', 200],
  pauseWarnMs: ['2000', 2000],
  pauseSleepMs: ['100', 100],
};

/** For every setting of metrics: texts that must be refused. */
export const BAD_METRICS_VALUES: { readonly [Name in keyof MetricsValues]: readonly string[] } = {
  metricsProvider: ['', 'Prometheus', 'org.example.MyProvider'],
  metricsHttpHost: ['', 'two words', '10.0.0.0/8'],
  metricsHttpPort: NOT_A_PORT,
  metricsHttpsPort: NOT_A_PORT,
  metricsKeyStore: [''],
  metricsKeyStorePassword: [''],
  metricsKeyStorePasswordPath: [''],
  metricsKeyStoreType: NOT_A_STORE,
  metricsTrustStore: [''],
  metricsTrustStorePassword: [''],
  metricsTrustStorePasswordPath: [''],
  metricsTrustStoreType: NOT_A_STORE,
  metricsNeedClientAuth: NOT_A_SWITCH,
  metricsExportProcess: NOT_A_SWITCH,
  otlpEndpoint: ['', 'collector:4318', 'ftp://collector', 'http://two words/'],
  otlpIntervalMs: [...NOT_A_NUMBER, '99'],
  otlpHeaders: ['', 'authorization', 'two words=1', 'a=1,,b=2'],
  pauseMonitor: NOT_A_SWITCH,
  pauseInfoMs: [...NOT_A_NUMBER, '-1'],
  pauseWarnMs: [...NOT_A_NUMBER, '-1'],
  pauseSleepMs: [...NOT_A_NUMBER, '0'],
};
