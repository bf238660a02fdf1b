/**
 * Limits and overload: the figures of one server under more than it can do.
 *
 *   node bench/dist/limits.js [--idle] [--watches] [--ephemerals] [--storms] [--overload] [--slice] [--connections 10000] [--seconds S] [--work FOLDER]
 *
 * --idle: what so many idle sessions cost. --watches: what a hundred watches on each connection cost. --ephemerals: how long others
 * wait while a session with 100,000 ephemerals ends. --storms: everybody comes at once, every watch fires at once, a leader dies.
 * --overload: ten times the load that can be sustained. Without any of these, all of them. --connections: of --idle, --watches and
 * --storms. --seconds: of --idle (60 if not given) and --overload (300). --work: where the data directories are made.
 * --slice: the overload alone, for 8 s, on a machine that may do other work: half of the peak has to be kept and reached again.
 *
 * Prints each figure beside the one to reach. Exit code 0 when all are reached, 1 when one is missed or something failed, 64 for wrong
 * options.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHeadkeeper } from '#peers/headkeeper';
import { repositoryRoot } from '#peers/peer-cache';
import { numberOf, programOptions } from '#peers/program-options';
import type { ServerProcess } from '#peers/server-process';
import { crowd } from './limits/crowd.ts';
import { stallOfClose } from './limits/ephemerals.ts';
import { overload } from './limits/overload.ts';
import { connectStorm, failoverStorm, watchStorm } from './limits/storms.ts';
import { compile } from './load-generator.ts';

const MEBIBYTE = 1024 * 1024;
const values = programOptions(import.meta.filename, {
  idle: { type: 'boolean', default: false },
  watches: { type: 'boolean', default: false },
  overload: { type: 'boolean', default: false },
  slice: { type: 'boolean', default: false },
  ephemerals: { type: 'boolean', default: false },
  storms: { type: 'boolean', default: false },
  connections: { type: 'string', default: '10000' },
  seconds: { type: 'string' },
  work: { type: 'string', default: tmpdir() },
});
const all =
  !values.slice && !values.idle && !values.watches && !values.overload && !values.ephemerals && !values.storms;
const connections = numberOf('connections', values.connections, 1);
const seconds = values.seconds === undefined ? null : numberOf('seconds', values.seconds, 1);
let failed = false;

function figure(what: string, value: number, unit: string, most: number): void {
  const verdict = value < most ? 'reached' : 'MISSED';
  if (!(value < most)) failed = true;
  console.log(`${what}: ${value.toFixed(1)} ${unit} (figure: under ${most} ${unit}) ${verdict}`);
}

async function onServer(body: (server: ServerProcess) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(values.work, 'limits-'));
  const words = { maxClientCnxns: '0', '4lw.commands.whitelist': '*', tickTime: '2000' };
  const server = await startHeadkeeper({ dataDir: join(folder, 'data'), extraConfig: words });
  try {
    await body(server);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const program = (name: string): Promise<string> => compile(name, join(repositoryRoot, `bench/limits/${name}.c`));

if (all || values.idle) {
  console.log(`${connections} idle sessions, timeout 30 s, a ping every 10 s`);
  await onServer(async (server) => {
    const idle = await crowd(await program('crowd'), server, connections, 0, seconds ?? 60);
    figure('  memory of the server', idle.residentBytes / MEBIBYTE, 'MB', 150);
    figure('  of one core', idle.cpuPercent, '%', 5);
    console.log(`  ${idle.answered} pings answered, the slowest in ${idle.slowestMs.toFixed(1)} ms`);
  });
}
if (all || values.watches) {
  const each = 100;
  console.log(`${connections * each} watches on ${connections} connections, each on a path of its own`);
  let without = 0;
  await onServer(async (server) => {
    without = (await crowd(await program('crowd'), server, connections, 0, 15)).residentBytes;
  });
  await onServer(async (server) => {
    const { residentBytes } = await crowd(await program('crowd'), server, connections, each, 15);
    figure('  memory of the server beside that of the connections', (residentBytes - without) / MEBIBYTE, 'MB', 150);
  });
}
if (all || values.ephemerals) {
  const count = 100_000;
  const probe = await compile('ping-probe', join(repositoryRoot, 'bench/ping-probe.c'));
  for (const how of ['close', 'expire'] as const) {
    await onServer(async (server) => {
      const stall = await stallOfClose(server, probe, count, how);
      figure(`a session with ${count} ephemerals ends (${how}): longest ping of another`, stall.maxMs, 'ms', 50);
      console.log(
        `  the probe was late by ${stall.lateMs.toFixed(1)} ms at most; the end took ${stall.seconds.toFixed(2)} s`,
      );
    });
  }
}
if (all || values.storms) {
  const probe = await compile('ping-probe', join(repositoryRoot, 'bench/ping-probe.c'));
  const storm = await program('storm');
  await onServer(async (server) => {
    const come = await connectStorm(server, storm, probe, connections);
    figure(`${connections} connections at once, each with a new session: all there after`, come.seconds, 's', 10);
    figure('  longest ping of a bystander', come.slowestPingMs, 'ms', 4000);
    figure('  memory of the server', come.residentBytes / MEBIBYTE, 'MB', 250);
  });
  await onServer(async (server) => {
    const told = await watchStorm(server, storm, probe, connections, 10, 5);
    figure(`${told.events} watches fire at once, and are set again: done after (mean of 5)`, told.seconds, 's', 10);
    figure('  longest ping of a bystander', told.slowestPingMs, 'ms', 4000);
    figure('  memory of the server above that before', told.growthBytes / MEBIBYTE, 'MB', 64);
  });
  const folder = mkdtempSync(join(values.work, 'limits-'));
  try {
    const back = await failoverStorm(folder, storm, 5, 5 * connections);
    figure(
      `${5 * connections} sessions on five servers, the leader killed: all can write after`,
      back.seconds,
      's',
      10,
    );
    figure('  sessions lost', back.lost, '', 1);
    console.log(
      `  ${back.reconnects} came to another server; the largest holds ${(back.residentBytes / MEBIBYTE).toFixed(0)} MB`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
if (all || values.overload || values.slice) {
  const probe = await compile('ping-probe', join(repositoryRoot, 'bench/ping-probe.c'));
  const flood = await program('flood');
  await onServer(async (server) => {
    const lasts = seconds ?? (values.slice ? 8 : 300);
    const kept = values.slice ? 0.5 : 0.9;
    const result = await overload(server, flood, probe, lasts, kept);
    console.log(`ten times the sustainable load for ${lasts} s: peak ${result.peak.toFixed(0)} answers/s`);
    figure('  lost of the peak', 100 * (1 - result.goodput / result.peak), '%', 100 - 100 * kept);
    figure('  memory at its end above that after the first tenth', result.growthBytes / MEBIBYTE, 'MB', 64);
    figure(`  back at ${100 * kept} % of the peak after`, result.recoveredSeconds, 's', 10);
    figure('  longest ping of a bystander', result.slowestPingMs, 'ms', 4000);
    console.log(`  memory ${result.memory.map((bytes) => (bytes / MEBIBYTE).toFixed(0)).join(' ')} MB`);
  });
}
process.exitCode = failed ? 1 : 0;
