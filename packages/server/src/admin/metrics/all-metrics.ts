import { Observations } from '../../core/statistics/observations.ts';
import type { EnsembleFacts } from '../ensemble-facts.ts';
import type { ServerStatus } from '../server-status.ts';
import { METRIC_BY_NAME } from './catalogue.ts';
import type { Metric, MetricPlace, MetricRow } from './metric.ts';
import { counter, gauge } from './metrics-of.ts';

const NOTHING: Observations = new Observations();

/**
 * Everything that a server has to tell, in the order of the catalogue, then what is ours. What two parts of the server count
 * under one name is added up; of Apache's metrics that count nothing here, or nothing yet, each is told as 0.
 */
export function allMetrics(status: ServerStatus): Metric[] {
  const found = new Map<string, Metric[]>();
  for (const metric of [...serverGauges(status), ...status.metrics()]) {
    const known = found.get(metric.name);
    if (known === undefined) found.set(metric.name, [metric]);
    else if (metric.key !== undefined || !addTo(known, metric)) known.push(metric);
  }
  const metrics: Metric[] = [];
  for (const row of METRIC_BY_NAME.values()) {
    const known = found.get(row.name);
    found.delete(row.name);
    if (known !== undefined) metrics.push(...known);
    else if (isAt(row.place, status.ensemble)) metrics.push(...zero(row));
  }
  for (const ours of found.values()) metrics.push(...ours);
  return metrics;
}

function addTo(known: Metric[], metric: Metric): boolean {
  const first = known[0];
  if (metric.kind !== 'counter' || first?.kind !== 'counter') return false;
  known[0] = { ...first, value: first.value + metric.value };
  return true;
}

function isAt(place: MetricPlace, facts: EnsembleFacts | null): boolean {
  if (place === 'all') return true;
  if (facts === null || place === 'backups' || place === 'Prometheus') return false;
  if (place === 'members' || facts.leading !== null) return true;
  return place === 'leader or observer master' && facts.hostedObservers !== null;
}

/** Of a set there is nothing before its first key. */
function zero({ name, type }: MetricRow): Metric[] {
  switch (type) {
    case 'gauge':
      return [gauge(name, 0)];
    case 'counter':
      return [counter(name, 0)];
    case 'summary':
      return [{ kind: 'summary', name, of: NOTHING }];
    case 'advanced summary':
      return [{ kind: 'advanced', name, of: NOTHING }];
    default:
      return [];
  }
}

/** How the server stands (feature inventory, section C.1). */
function serverGauges(status: ServerStatus): Metric[] {
  const { ensemble, latency, responseSize } = status;
  const descriptors = status.fileDescriptors();
  return [
    gauge('avg_latency', latency.average),
    gauge('max_latency', latency.max),
    gauge('min_latency', latency.min),
    gauge('packets_received', status.packetsReceived),
    gauge('packets_sent', status.packetsSent),
    gauge('num_alive_connections', status.connectionCount),
    gauge('outstanding_requests', status.outstandingRequests),
    gauge('uptime', status.uptimeMs),
    gauge('znode_count', status.znodeCount),
    gauge('watch_count', status.watchCount),
    gauge('ephemerals_count', status.ephemeralCount),
    gauge('approximate_data_size', status.approximateDataSize),
    gauge('global_sessions', status.sessionCount),
    gauge('local_sessions', ensemble?.localSessionCount ?? 0),
    gauge('open_file_descriptor_count', descriptors.open),
    gauge('max_file_descriptor_count', descriptors.max),
    gauge('last_client_response_size', responseSize.last),
    gauge('max_client_response_size', responseSize.max),
    gauge('min_client_response_size', responseSize.min),
    gauge('outstanding_tls_handshake', status.clientPorts.outstandingHandshakes),
    gauge('auth_failed_count', status.authFailures),
    gauge('non_mtls_remote_conn_count', status.clientPorts.anonymousRemote),
    gauge('non_mtls_local_conn_count', status.clientPorts.anonymousLocal),
  ];
}
