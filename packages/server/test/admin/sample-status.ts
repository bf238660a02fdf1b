import assert from 'node:assert/strict';
import type { ConnectionStatus, ServerStatus } from '../../src/admin/server-status.ts';
import { Observations } from '../../src/core/statistics/observations.ts';

/** The state in which an Apache ZooKeeper 3.9.5 gave the answers below: three connections, the first asking the word. */
export const asking: ConnectionStatus = {
  remoteAddress: '127.0.0.1',
  isSecure: false,
  remotePort: 45670,
  interestOps: 0,
  outstanding: 0,
  received: 1,
  sent: 0,
  session: null,
};
export const first: ConnectionStatus = {
  remoteAddress: '127.0.0.1',
  isSecure: false,
  remotePort: 45650,
  interestOps: 1,
  outstanding: 0,
  received: 6,
  sent: 6,
  session: {
    id: 0x1000016a0550000n,
    lastOperation: 'PING',
    establishedAt: 1795302674786,
    timeoutMs: 30_000,
    lastCxid: 4,
    lastZxid: 6,
    lastResponseAt: 1508211,
    lastLatencyMs: 0,
    latency: { min: 0, average: 5.8, max: 13 },
  },
};
const second: ConnectionStatus = {
  remoteAddress: '127.0.0.1',
  isSecure: false,
  remotePort: 45658,
  interestOps: 1,
  outstanding: 0,
  received: 5,
  sent: 5,
  session: {
    id: 0x1000016a0550001n,
    lastOperation: 'GETC',
    establishedAt: 1795302674807,
    timeoutMs: 30_000,
    lastCxid: 4,
    lastZxid: 6,
    lastResponseAt: 1508210,
    lastLatencyMs: 1,
    latency: { min: 0, average: 1.4, max: 3 },
  },
};
const SESSIONS_EXPIRE = Date.UTC(2026, 10, 21, 23, 11, 46);

export function statusWith(changes: Partial<ServerStatus> = {}): ServerStatus {
  const status: ServerStatus = {
    mode: 'standalone',
    ensemble: null,
    latency: { min: 0, average: 74 / 22, max: 13 },
    packetsReceived: 22,
    packetsSent: 21,
    connectionCount: 3,
    outstandingRequests: 0,
    lastZxid: 6,
    znodeCount: 9,
    watchCount: 4,
    ephemeralCount: 3,
    approximateDataSize: 64,
    sessionCount: 2,
    uptimeMs: 25545,
    responseSize: { last: -1, min: -1, max: -1 },
    clientPorts: {
      secureClientPort: -1,
      outstandingHandshakes: 0,
      unsuccessfulHandshakes: 0,
      exceededHandshakes: 0,
      anonymousLocal: 0,
      anonymousRemote: 0,
    },
    authFailures: 0,
    configuration: {
      clientPort: 22995,
      snapshotDir: '/tmp/data/version-2',
      logDir: '/tmp/data/version-2',
      tickTimeMs: 2000,
      maxClientCnxns: 60,
      minSessionTimeoutMs: 4000,
      maxSessionTimeoutMs: 40_000,
      clientPortListenBacklog: -1,
    },
    dataDirSize: () => 67109358,
    slowSyncs: 0,
    logDirSize: () => 67109358,
    fileDescriptors: () => ({ open: 44, max: 20_000 }),
    metrics: () => [],
    metricsProvider: 'default',
    connections: () => [asking, first, second],
    sessionExpiry: () => [{ at: SESSIONS_EXPIRE, things: [0x1000016a0550000n, 0x1000016a0550001n] }],
    connectionExpiry: () => [
      { at: SESSIONS_EXPIRE - 20_000, things: [{ ...asking, remotePort: 45682 }] },
      { at: SESSIONS_EXPIRE, things: [first, second] },
    ],
    ephemerals: () =>
      new Map([
        [0x1000016a0550001n, ['/eb']],
        [0x1000016a0550000n, ['/e1', '/e2']],
      ]),
    digests: () => [
      { zxid: 0x80, high: 0x1, low: -1 },
      { zxid: 0x100000080, high: -1, low: 5 },
    ],
    watchSummary: () => ({ connections: 2, paths: 2, watches: 3 }),
    watchesBySession: () =>
      new Map([
        [0x1000016a0550000n, ['/p', '/e1']],
        [0x1000016a0550001n, ['/p']],
      ]),
    watchesByPath: () =>
      new Map([
        ['/p', [0x1000016a0550001n, 0x1000016a0550000n]],
        ['/e1', [0x1000016a0550000n]],
      ]),
    resetServerStats: () => assert.fail('not asked to'),
    resetConnectionStats: () => assert.fail('not asked to'),
  };
  return { ...status, ...changes };
}

export function observed(...values: readonly number[]): Observations {
  const observations = new Observations();
  for (const value of values) observations.add(value);
  return observations;
}
