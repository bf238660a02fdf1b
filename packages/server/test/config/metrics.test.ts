import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServerConfig } from '../../src/config/parse.ts';
import type { ServerConfig } from '../../src/config/schema.ts';

function configOf(...lines: readonly string[]): ServerConfig {
  return parseServerConfig(['dataDir=/data', 'clientPort=2181', ...lines].join('\n'), { file: 'zoo.cfg' });
}

test('the port for Prometheus is 7000 unless another is given, and there is none beside one for TLS unless it is', () => {
  assert.equal(configOf().metricsHttpPort, 7000);
  assert.equal(configOf().metricsHttpsPort, null);
  assert.equal(configOf('metricsProvider.httpPort=7001').metricsHttpPort, 7001);
  const secure = configOf('metricsProvider.httpsPort=7443');
  assert.deepEqual([secure.metricsHttpPort, secure.metricsHttpsPort], [null, 7443]);
  const both = configOf('metricsProvider.httpPort=7000', 'metricsProvider.httpsPort=7443');
  assert.deepEqual([both.metricsHttpPort, both.metricsHttpsPort], [7000, 7443]);
});

test('a client certificate is asked for where there is a trust store, unless it is said otherwise', () => {
  const trust = 'metricsProvider.ssl.trustStore.location=/etc/trust.pem';
  assert.equal(configOf().metricsNeedClientAuth, false);
  assert.equal(configOf(trust).metricsNeedClientAuth, true);
  assert.equal(configOf(trust, 'metricsProvider.ssl.need.client.auth=false').metricsNeedClientAuth, false);
});

test("the providers are those of Apache's classes, with or without their packages, or short words", () => {
  for (const name of ['org.apache.zookeeper.metrics.impl.NullMetricsProvider', 'NullMetricsProvider', 'null']) {
    assert.equal(configOf(`metricsProvider.className=${name}`).metricsProvider, 'null');
  }
});
