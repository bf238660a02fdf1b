import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '@headkeeper/testkit';
import { adminSettings } from '../peers/apache-zookeeper.ts';
import { startHeadkeeper } from '../peers/headkeeper.ts';
import { fourLetterWord, type ServerProcess } from '../peers/server-process.ts';
import { Bystanders, SUPER_DIGEST } from './bystanders.ts';
import { validHandshake } from './draft.ts';
import { type FrameFuzzResult, fuzzFrames } from './frame-fuzz.ts';
import { ADMIN_PATHS, fuzzHttp, METRICS_PATHS } from './http-fuzz.ts';
import { logFaults } from './log-check.ts';
import { Memory } from './memory.ts';
import { framed } from './mutations.ts';
import { RawConnection, Violation } from './raw-connection.ts';
import { treePrint } from './tree-print.ts';
import { fuzzWords } from './word-fuzz.ts';

/** Part of the frames that are sent before memory counts: what every server needs once. */
const WARM_UP = 0.1;
const MOST_DELAY_MS = 5_000;
const SESSIONS_END_MS = 60_000;

export interface FuzzOptions {
  readonly folder: string;
  readonly seed: number;
  readonly frames: number;
  readonly words: number;
  readonly requests: number;
  /** Whether slow HTTP connections are tried, too: they take ten seconds to be given up. */
  readonly slowOnes: boolean;
  readonly progress: (text: string) => void;
}

/** What CI runs. */
export const FUZZ_SLICE = { frames: 15_000, words: 300, requests: 200, slowOnes: false } as const;

export interface FuzzReport {
  readonly rows: readonly (readonly [string, string])[];
  readonly faults: readonly string[];
}

interface Ports {
  readonly client: number;
  readonly admin: number;
  readonly metrics: number;
}

function start(folder: string, ports: Ports): Promise<ServerProcess> {
  return startHeadkeeper({
    dataDir: join(folder, 'data'),
    port: ports.client,
    extraConfig: {
      ...adminSettings(ports.admin),
      'metricsProvider.className': 'org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
      'metricsProvider.httpHost': '127.0.0.1',
      'metricsProvider.httpPort': String(ports.metrics),
      'DigestAuthenticationProvider.superDigest': SUPER_DIGEST,
      extendedTypesEnabled: 'true',
      'znode.container.checkIntervalMs': '1000',
      tickTime: '500',
      minSessionTimeout: '1000',
      maxSessionTimeout: '40000',
      'admin.rateLimiterIntervalInMS': '0',
      'admin.restore.enabled': 'false',
    },
  });
}

/** Runs all doors against one server, which is then killed and started again. */
export async function fuzzServer(options: FuzzOptions): Promise<FuzzReport> {
  const { folder, seed, progress } = options;
  const ports = { client: await freePort(), admin: await freePort(), metrics: await freePort() };
  const port = ports.client;
  const server = await start(folder, ports);
  const rows: (readonly [string, string])[] = [['seed', String(seed)]];
  const faults: string[] = [];
  const memory = new Memory(server);
  const bystanders = await Bystanders.settle(server.address);
  try {
    const begun = performance.now();
    const warm = await fuzzFrames({ port, frames: Math.ceil(options.frames * WARM_UP), seed, progress: () => {} });
    memory.begin();
    let told = performance.now();
    const rest = await fuzzFrames({
      port,
      frames: options.frames - warm.handled,
      seed: seed + 1,
      progress: (handled) => {
        if (performance.now() - told < 10_000) return;
        told = performance.now();
        progress(`${warm.handled + handled} frames, ${memory.text}`);
      },
    });
    const frameSeconds = (performance.now() - begun) / 1000;
    rows.push(...frameRows(warm, rest, frameSeconds));
    await timed(rows, 'four-letter words', async () => {
      const { asked, answered } = await fuzzWords({ port, words: options.words, seed });
      return `${asked} connections, ${answered} answered`;
    });
    const { requests, slowOnes } = options;
    for (const [name, door] of [
      ['HTTP requests, operators', { port: ports.admin, paths: ADMIN_PATHS, alive: '/livez', requests }],
      [
        'HTTP requests, metrics',
        { port: ports.metrics, paths: METRICS_PATHS, alive: '/metrics', requests: requests / 4 },
      ],
    ] as const) {
      await timed(rows, name, async () => {
        const { sent, answered } = await fuzzHttp({ ...door, seed, slowOnes });
        return `${sent} connections, ${answered} answered${slowOnes ? ', slow ones shut out' : ''}`;
      });
    }
  } catch (error) {
    if (!server.running) faults.push(`the server has ended with ${await server.ended}`);
    if (faults.length === 0) throw error;
  }
  if (server.running) {
    await onlyBystandersLeft(server);
    await memory.settle();
    rows.push(['resident memory', memory.text]);
    faults.push(...memory.faults());
    faults.push(...(await bystanders.judge()));
    rows.push([
      'bystanders',
      `${bystanders.touched} changes, each seen once; slowest ${bystanders.slowestMs.toFixed(0)} ms`,
    ]);
    if (bystanders.slowestMs > MOST_DELAY_MS) faults.push(`a bystander waited ${bystanders.slowestMs.toFixed(0)} ms`);
    await reloads(
      server,
      () => start(folder, ports),
      rows,
      faults,
      () => bystanders.close(),
    );
  } else await bystanders.close();
  faults.push(...logFaults(server.logFile, rows));
  return { rows, faults };
}

function frameRows(warm: FrameFuzzResult, rest: FrameFuzzResult, seconds: number): (readonly [string, string])[] {
  const handled = warm.handled + rest.handled;
  const inside = warm.insideSession + rest.insideSession;
  const kinds = [...rest.kinds].sort(([, a], [, b]) => b - a).map(([kind, count]) => `${kind} ${count}`);
  return [
    ['frames handled', `${handled} in ${seconds.toFixed(0)} s, ${(handled / seconds).toFixed(0)} a second`],
    ['requests in sessions', `${inside} of them began as one (${((100 * inside) / handled).toFixed(0)}%)`],
    ['spoiled handshakes', String(warm.handshakes + rest.handshakes)],
    ['connections', String(warm.connections + rest.connections)],
    ['mutations', kinds.join(', ')],
  ];
}

async function timed(rows: (readonly [string, string])[], name: string, run: () => Promise<string>): Promise<void> {
  const begun = performance.now();
  const text = await run();
  rows.push([name, `${text}, ${((performance.now() - begun) / 1000).toFixed(0)} s`]);
}

/** Waits until the sessions of those who fired are over, so that nothing changes any more. */
async function onlyBystandersLeft(server: ServerProcess): Promise<void> {
  const deadline = performance.now() + SESSIONS_END_MS;
  for (;;) {
    const sessions = Number(
      /^zk_global_sessions\t([\d.]+)$/m.exec(await fourLetterWord(server.port, 'mntr', 5_000))?.[1],
    );
    if (sessions <= 3) return;
    if (performance.now() > deadline) throw new Violation(`${sessions} sessions do not end`);
    await pause(200);
  }
}

/** The state after a crash is the one of before. */
async function reloads(
  server: ServerProcess,
  again: () => Promise<ServerProcess>,
  rows: (readonly [string, string])[],
  faults: string[],
  close: () => Promise<void>,
): Promise<void> {
  await close();
  const before = await settledPrint(server.address);
  await server.kill();
  const restarted = await again();
  const after = await treePrint(restarted.address);
  await restarted.stop();
  rows.push(['state after kill -9', `${after.znodes} znodes, ${after.hash}`]);
  if (after.hash === before.hash) return;
  faults.push(`the state was ${before.znodes} znodes, ${before.hash} before`);
  for (const [one, other, what] of [
    [before, after, 'before'],
    [after, before, 'after'],
  ] as const) {
    const others = new Set(other.lines);
    for (const line of one.lines.filter((each) => !others.has(each)).slice(0, 3)) faults.push(`only ${what}: ${line}`);
  }
}

/** Containers and TTL znodes may still go; what is the same twice, a check apart, has come to rest. */
async function settledPrint(address: string): ReturnType<typeof treePrint> {
  let last = await treePrint(address);
  for (let tries = 0; tries < 40; tries++) {
    await pause(1_500);
    const next = await treePrint(address);
    if (next.hash === last.hash) return next;
    last = next;
  }
  throw new Violation('the state does not come to rest');
}

/** Sends the frames of an earlier run inside a session of a new server. */
export async function replay(folder: string, frames: readonly string[]): Promise<FuzzReport> {
  const port = await freePort();
  const server = await start(folder, { client: port, admin: await freePort(), metrics: await freePort() });
  const faults: string[] = [];
  try {
    const connection = new RawConnection(port, '127.0.0.1', true);
    await connection.greet(framed(validHandshake(null).written()));
    const { handled } = await connection.round(frames.map((frame) => Buffer.from(frame, 'hex')));
    connection.destroy();
    if (!server.running) faults.push('the server has ended');
    return { rows: [['frames handled', String(handled)]], faults };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { rows: [], faults: [...faults, error.message] };
  } finally {
    await server.kill();
  }
}
