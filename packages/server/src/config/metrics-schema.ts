import type { ConfigValues } from './config-values.ts';
import type { MetricsProvider, MetricsValues } from './metrics-values.ts';
import { flag, integer, type Setting, text, WRONG } from './setting.ts';
import type { StoreType } from './tls-values.ts';

/** Apache's classes by the last part of their names, and short words for them. */
const PROVIDERS: Readonly<Record<string, MetricsProvider>> = {
  DefaultMetricsProvider: 'default',
  PrometheusMetricsProvider: 'prometheus',
  NullMetricsProvider: 'null',
  default: 'default',
  prometheus: 'prometheus',
  null: 'null',
};
const STORE_TYPES: readonly StoreType[] = ['PEM', 'PKCS12', 'JKS'];
const DEFAULT_PORT = 7000;
const HEADER = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+)=([\x20-\x7e]*)$/;

/** The rows of the settings of metrics; names and defaults are Apache's where `doc` does not say otherwise. */
export const METRICS_SETTINGS: { readonly [Name in keyof MetricsValues]: Setting<MetricsValues[Name], ConfigValues> } =
  {
    metricsProvider: {
      key: 'metricsProvider.className',
      unit: '',
      default: 'default',
      expected: `one of ${Object.keys(PROVIDERS).join(', ')}, with or without their package`,
      read: (value) => PROVIDERS[value.slice(value.lastIndexOf('.') + 1)] ?? WRONG,
      doc:
        'Who tells the metrics: PrometheusMetricsProvider opens metricsProvider.httpPort and gives mntr its own form, ' +
        "NullMetricsProvider leaves mntr nearly empty. The operators' HTTP server tells them at /metrics in any case.",
    },
    metricsHttpHost: text<string, ConfigValues>({
      key: 'metricsProvider.httpHost',
      default: '127.0.0.1',
      expected: 'a host name or an IP address',
      pattern: /^[^\s/]+$/,
      doc: "Address that the ports for Prometheus are bound to. By default this machine's own; on Apache all, 0.0.0.0.",
    }),
    metricsHttpsPort: {
      ...integer<ConfigValues>({
        key: 'metricsProvider.httpsPort',
        unit: '',
        default: DEFAULT_PORT,
        from: 0,
        to: 65535,
        doc: 'The same by TLS, with the certificate of metricsProvider.ssl.keyStore.location.',
      }),
      default: () => null,
    },
    metricsHttpPort: {
      ...integer<ConfigValues>({
        key: 'metricsProvider.httpPort',
        unit: '',
        default: DEFAULT_PORT,
        from: 0,
        to: 65535,
        doc: 'TCP port on which Prometheus asks for metrics, at /metrics; 0 takes any free one. By default 7000, and none where metricsProvider.httpsPort is given.',
      }),
      default: (values) => (values.metricsHttpsPort === null ? DEFAULT_PORT : null),
    },
    metricsKeyStore: path('metricsProvider.ssl.keyStore.location', 'File with the certificate and key of that port.'),
    metricsKeyStorePassword: secret('metricsProvider.ssl.keyStore.password'),
    metricsKeyStorePasswordPath: path('metricsProvider.ssl.keyStore.passwordPath', 'File that holds that password.'),
    metricsKeyStoreType: storeType('metricsProvider.ssl.keyStore.type'),
    metricsTrustStore: path(
      'metricsProvider.ssl.trustStore.location',
      'File with the certificates of those who may ask on that port.',
    ),
    metricsTrustStorePassword: secret('metricsProvider.ssl.trustStore.password'),
    metricsTrustStorePasswordPath: path(
      'metricsProvider.ssl.trustStore.passwordPath',
      'File that holds that password.',
    ),
    metricsTrustStoreType: storeType('metricsProvider.ssl.trustStore.type'),
    metricsNeedClientAuth: {
      ...flag<ConfigValues>(
        'metricsProvider.ssl.need.client.auth',
        false,
        'Ours. Whether who asks on that port must show a certificate. By default where there is a trust store.',
      ),
      default: (values) => values.metricsTrustStore !== null,
    },
    metricsExportProcess: flag(
      'metricsProvider.exportJvmInfo',
      true,
      'Whether Prometheus is told of the process, too: memory, processor time, event loop, garbage collector.',
    ),
    otlpEndpoint: text<string | null, ConfigValues>({
      key: 'metricsProvider.otlp.endpoint',
      default: () => null,
      expected: 'a URL such as http://127.0.0.1:4318/v1/metrics',
      pattern: /^https?:\/\/[^\s/]+(\/\S*)?$/,
      doc: 'Ours. Where metrics are pushed to as OpenTelemetry (OTLP over HTTP, JSON). By default nowhere.',
    }),
    otlpIntervalMs: integer({
      key: 'metricsProvider.otlp.interval',
      unit: 'milliseconds',
      default: 60_000,
      from: 100,
      doc: 'Ours. Pause between two such pushes.',
    }),
    otlpHeaders: {
      key: 'metricsProvider.otlp.headers',
      unit: '',
      default: Object.freeze<[string, string][]>([]),
      expected: 'name=value, several separated by commas',
      read: (value) => {
        const headers: [string, string][] = [];
        for (const part of value.split(',')) {
          const match = HEADER.exec(part.trim());
          if (match === null) return WRONG;
          headers.push([match[1] ?? '', match[2] ?? '']);
        }
        return Object.freeze(headers);
      },
      secret: true,
      doc: 'Ours. Header lines of those pushes, such as an authorization.',
    },
    pauseMonitor: flag(
      'jvm.pause.monitor',
      false,
      'Whether times are noticed that the event loop stands still: in the metric jvm_pause_time_ms, and in the log.',
    ),
    pauseInfoMs: integer({
      key: 'jvm.pause.info-threshold.ms',
      unit: 'milliseconds',
      default: 1000,
      from: 0,
      doc: 'A longer standstill is told in the log.',
    }),
    pauseWarnMs: integer({
      key: 'jvm.pause.warn-threshold.ms',
      unit: 'milliseconds',
      default: 10_000,
      from: 0,
      doc: 'A longer standstill is told as a warning.',
    }),
    pauseSleepMs: integer({
      key: 'jvm.pause.sleep.time.ms',
      unit: 'milliseconds',
      default: 500,
      from: 1,
      doc: 'Pause between two looks at the clock.',
    }),
  };

function path(key: string, doc: string): Setting<string | null, ConfigValues> {
  return text<string | null, ConfigValues>({
    key,
    default: () => null,
    expected: 'the path of a file',
    pattern: /./,
    doc,
  });
}

function secret(key: string): Setting<string | null, ConfigValues> {
  return {
    key,
    unit: '',
    default: () => null,
    expected: 'a password',
    read: (value) => (value === '' ? WRONG : value),
    secret: true,
    doc: 'Password of that file.',
  };
}

function storeType(key: string): Setting<StoreType | null, ConfigValues> {
  return {
    key,
    unit: '',
    default: () => null,
    expected: STORE_TYPES.join(' or '),
    read: (value) => STORE_TYPES.find((type) => type === value.toUpperCase()) ?? WRONG,
    doc: 'Its kind. By default what the end of its name says: .pem, .p12, .pfx or .jks.',
  };
}
