/** One server at a time: started on a fresh folder, warmed up, loaded, measured, stopped. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startApacheZooKeeper } from '#peers/apache-zookeeper';
import { run } from '#peers/command';
import { startHeadkeeper } from '#peers/headkeeper';
import { repositoryRoot } from '#peers/peer-cache';
import type { ServerProcess } from '#peers/server-process';
import { compile, fill, type LoadGenerator, runLoad } from './load-generator.ts';
import { millionRows, type Program, type Row, type Side } from './rows.ts';

export interface Setting {
  readonly generator: LoadGenerator;
  /** Seconds that each load is measured, after the generator's own second of warm-up. */
  readonly seconds: number;
  /** Seconds of each load that a server gets before anything is measured. */
  readonly warmUpSeconds: number;
  /** Folder on the disk to measure on; every server gets a fresh folder below it. */
  readonly workFolder: string;
  /** Java heap (-Xmx) for the loads, and for the tree of a million znodes. */
  readonly heap: string;
  readonly largeHeap: string;
  readonly znodes: number;
  readonly programOf: (side: Side) => Program;
  /** Called with every sample as it is taken. */
  readonly sample: (side: Side, row: string, value: number, note: string) => void;
}

const mebibyte = 1024 * 1024;
/** Starts on an empty folder, each side and round; the median counts. */
const startsPerRound = 3;

function start(
  program: Program,
  dataDir: string,
  heap: string,
  extra: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  // A tree of a million znodes takes its time to load.
  const common = { dataDir, extraConfig: extra, startTimeoutMs: 180_000 };
  return program === 'headkeeper' ? startHeadkeeper(common) : startApacheZooKeeper({ ...common, heap });
}

async function inFreshFolder<T>(setting: Setting, body: (dataDir: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(setting.workFolder, 'bench-'));
  try {
    return await body(join(folder, 'data'));
  } catch (error) {
    const log = join(folder, 'data.log');
    if (existsSync(log)) console.error(`the server's last words:\n${readFileSync(log, 'utf8').slice(-3000)}`);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Measures the chosen rows on one side, once. */
export async function measure(side: Side, chosen: readonly Row[], setting: Setting): Promise<void> {
  const ids = new Set(chosen.map((row) => row.id));
  const loads = chosen.filter((row) => row.load !== undefined);
  if (loads.length > 0) await inFreshFolder(setting, (dataDir) => measureLoads(side, loads, setting, dataDir));
  if (ids.has('start')) await measureStarts(side, setting);
  if (millionRows.some((id) => ids.has(id))) {
    await inFreshFolder(setting, (dataDir) => measureMillion(side, ids, setting, dataDir));
  }
}

async function measureLoads(side: Side, loads: readonly Row[], setting: Setting, dataDir: string): Promise<void> {
  const server = await start(setting.programOf(side), dataDir, setting.heap, {});
  try {
    for (const mode of ['get', 'set'] as const) {
      await runLoad(setting.generator, server.address, { mode, connections: 50, window: 20 }, setting.warmUpSeconds);
    }
    for (const { id, load } of loads) {
      if (load === undefined) continue;
      const result = await runLoad(setting.generator, server.address, load, setting.seconds);
      const note = `p50 ${result.p50Us} us, p99 ${result.p99Us} us, max ${result.maxUs} us`;
      setting.sample(side, id, result.opsPerSecond, note);
    }
  } finally {
    await server.stop();
  }
}

async function measureStarts(side: Side, setting: Setting): Promise<void> {
  for (let i = 0; i < startsPerRound; i++) {
    await inFreshFolder(setting, async (dataDir) => {
      const server = await start(setting.programOf(side), dataDir, setting.heap, {});
      setting.sample(side, 'start', server.startupMs, '');
      await server.stop();
    });
  }
}

async function measureMillion(side: Side, ids: ReadonlySet<string>, setting: Setting, dataDir: string): Promise<void> {
  const record = (row: string, value: number, note: string): void => {
    if (ids.has(row)) setting.sample(side, row, value, note);
  };
  let server = await start(setting.programOf(side), dataDir, setting.largeHeap, {});
  try {
    await fill(setting.generator, server.address, setting.znodes);
    await pause(3000);
    record('million-memory', server.residentBytes() / mebibyte, 'resident, 3 s after the last create');
  } finally {
    await server.stop(60_000);
  }
  // snapCount is a number of log records: a few thousand writes are enough for several snapshots.
  server = await start(setting.programOf(side), dataDir, setting.largeHeap, { snapCount: '4000' });
  try {
    record('million-restart', server.startupMs, '');
    record('million-memory-restarted', server.residentBytes() / mebibyte, 'resident, when srvr first answered');
    if (ids.has('ping-stall')) await measurePingStall(side, setting, server, dataDir);
  } finally {
    await server.stop(60_000);
  }
}

/** Pings every millisecond while a lone writer drives the server to at least one snapshot of the whole tree. */
async function measurePingStall(side: Side, setting: Setting, server: ServerProcess, dataDir: string): Promise<void> {
  const probe = await compile('ping-probe', join(repositoryRoot, 'bench/ping-probe.c'));
  const version = join(dataDir, 'version-2');
  const before = new Set(readdirSync(version));
  const seconds = 15;
  const [output] = await Promise.all([
    run([probe, String(server.port), String(seconds)], { timeoutMs: (seconds + 60) * 1000 }),
    runLoad(setting.generator, server.address, { mode: 'set', connections: 1, window: 4 }, seconds - 3),
  ]);
  const snapshots = readdirSync(version).filter((name) => name.startsWith('snapshot.') && !before.has(name));
  if (snapshots.length === 0) throw new Error(`${side} took no snapshot while it was pinged`);
  const figures = JSON.parse(output) as Readonly<Record<string, number>>;
  const note = `${snapshots.length} snapshots; p99.9 ${figures.p999_us} us; probe late by ${figures.late_max_us} us at most`;
  setting.sample(side, 'ping-stall', (figures.max_us ?? Number.NaN) / 1000, note);
}
