/** All rows of the ensemble on one side, once. */

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runLoad } from '../load-generator.ts';
import type { Setting } from '../measurement.ts';
import type { Row, Side } from '../rows.ts';
import { catchUp, coldStart } from './catch-up.ts';
import { Ensemble } from './ensemble.ts';
import { killLeader, stopLeader } from './failover.ts';
import { simulate } from './simulation.ts';

export interface EnsembleSetting extends Setting {
  /** How often the leader is killed, and how often it is stopped, each side and round. */
  readonly kills: number;
  readonly stops: number;
  /** Starts on empty folders. */
  readonly coldStarts: number;
  /** Seconds that the simulator runs. */
  readonly simulatorSeconds: number;
  /** Transactions that the follower misses. */
  readonly txnsBehind: number;
}

/** Measures the chosen rows on one side, once. */
export async function measureEnsemble(side: Side, chosen: readonly Row[], setting: EnsembleSetting): Promise<void> {
  const ids = new Set(chosen.map((row) => row.id));
  const loads = chosen.filter((row) => row.load !== undefined);
  if (loads.length > 0)
    await withServers(side, setting, setting.heap, (servers) => measureLoads(side, loads, setting, servers));
  if (['kill-follower', 'kill-leader', 'stop'].some((id) => ids.has(id))) {
    await withServers(side, setting, setting.heap, (servers) => measureFaults(side, ids, setting, servers));
  }
  if (ids.has('cold-start')) {
    for (let i = 0; i < setting.coldStarts; i++) {
      await withServers(side, setting, setting.heap, async (servers) => {
        setting.sample(side, 'cold-start', await coldStart(servers), '');
      });
    }
  }
  if (ids.has('catch-up')) {
    await withServers(side, setting, setting.largeHeap, async (servers) => {
      await servers.start();
      const { ms, note } = await catchUp(servers, setting.generator, setting.txnsBehind);
      setting.sample(side, 'catch-up', ms, note);
    });
  }
  if (ids.has('simulation') && setting.programOf(side) === 'headkeeper') {
    const { ratio, note } = await simulate(setting.simulatorSeconds);
    setting.sample(side, 'simulation', ratio, note);
  }
}

async function withServers(
  side: Side,
  setting: EnsembleSetting,
  heap: string,
  body: (servers: Ensemble) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(setting.workFolder, 'ensemble-'));
  const servers = await Ensemble.prepare({ program: setting.programOf(side), folder, heap });
  try {
    await body(servers);
  } catch (error) {
    console.error(servers.lastWords());
    throw error;
  } finally {
    await servers.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureLoads(
  side: Side,
  loads: readonly Row[],
  setting: EnsembleSetting,
  servers: Ensemble,
): Promise<void> {
  await servers.start();
  const addresses = await servers.addresses();
  await warmUp(setting, addresses);
  for (const { id, load } of loads) {
    if (load === undefined) continue;
    const result = await runLoad(setting.generator, addresses, load, setting.seconds);
    const note = `p50 ${result.p50Us} us, p99 ${result.p99Us} us, max ${result.maxUs} us`;
    setting.sample(side, id, result.opsPerSecond, note);
  }
}

async function warmUp(setting: EnsembleSetting, addresses: string): Promise<void> {
  for (const mode of ['get', 'set'] as const) {
    await runLoad(setting.generator, addresses, { mode, connections: 48, window: 20 }, setting.warmUpSeconds);
  }
}

async function measureFaults(
  side: Side,
  ids: ReadonlySet<string>,
  setting: EnsembleSetting,
  servers: Ensemble,
): Promise<void> {
  await servers.start();
  await warmUp(setting, await servers.addresses());
  const record = (row: string, value: number, note: string): void => {
    if (ids.has(row)) setting.sample(side, row, value, note);
  };
  if (ids.has('kill-follower') || ids.has('kill-leader')) {
    for (let i = 0; i < setting.kills; i++) {
      const { atFollower, atLeader, note } = await killLeader(servers);
      record('kill-follower', atFollower, note);
      record('kill-leader', atLeader, note);
    }
  }
  if (ids.has('stop')) {
    for (let i = 0; i < setting.stops; i++) {
      const { atFollower, note } = await stopLeader(servers);
      record('stop', atFollower, note);
    }
  }
}
