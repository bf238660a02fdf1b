/**
 * The end of everything but the backups, again and again:
 *
 *   node interop/dist/backup/destroy-everything.js [--target s3|folder] [--cycles 3] [--kills 8] [--tick 500] [--seed N]
 *
 * Three servers ship their history while clients write. Servers and the target are killed (-9) and come back. Then, at a
 * random moment, in every second cycle right after the death of one server, everything is killed at once and every data
 * directory is removed. `headkeeper restore` brings the ensemble back, and the acknowledged history judges it: nothing older
 * than the exposure may be missing, nothing in the middle, and no byte may be wrong. Later cycles go on with the restored
 * ensemble and the same backups.
 */

import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { RandomStream } from '@headkeeper/testkit';
import { Ensemble } from '../ensemble/ensemble.ts';
import { EnsembleSession } from '../ensemble/ensemble-session.ts';
import { compareTrees } from '../ensemble/tree.ts';
import { endWith, type Verdict } from '../ensemble/verdict.ts';
import { until } from '../ensemble/waiting.ts';
import { type RunResult, runToEnd } from '../peers/command.ts';
import { headkeeperBin } from '../peers/headkeeper.ts';
import { numberOf, programOptions } from '../peers/program-options.ts';
import { seedOfRun } from '../seed.ts';
import { ExposureMonitor } from './exposure-monitor.ts';
import { judge, RecordingWriter, type Restored } from './recording-writer.ts';
import { trySpoiledBackups } from './spoiled-backups.ts';
import { startWatchedTarget, type WatchedTarget } from './watched-target.ts';

export interface DestructionOptions {
  readonly target: 's3' | 'folder';
  /** How often everything is destroyed. */
  readonly cycles: number;
  /** How often a server or the target is killed before each destruction. */
  readonly kills: number;
  /** Milliseconds; sessions, so that of the shipper, too, last at least two of them. */
  readonly tickTime: number;
  /** Who is killed, and when. */
  readonly seed: number;
}

const EXPOSURE_MS = 1000;
const WRITERS_PER_SERVER = 2;
/** Between two writes of a client: enough for all of them together to write some hundred times a second. */
const PACE_MS = 10;
/** Everything is destroyed at a random moment of so many milliseconds, with everything running and the backups up to date. */
const CALM_MS = 3000;
/** Or within so many milliseconds after the death of one server. */
const SUDDEN_MS = 1500;
/** A server that comes back, a new shipper and a target that was away may need so long until the backups are up to date. */
const CATCH_UP_MS = 60_000;
/** The server that begins a backup in a bucket makes sure for three seconds that it is the only one; only then does it ship. */
const SETTLED_MS = 4000;

export async function destroyEverything(options: DestructionOptions, told: (line: string) => void): Promise<Verdict> {
  const target = await startWatchedTarget(options.target);
  // Servers and commands inherit it: credentials stand in no file and on no command line.
  Object.assign(process.env, target.server?.environment ?? {});
  const ensemble = await Ensemble.create({
    kinds: ['headkeeper', 'headkeeper', 'headkeeper'],
    tickTime: options.tickTime,
    settings: { ...target.settings, 'backup.exposure': `${EXPOSURE_MS}ms` },
  });
  const random = new RandomStream(options.seed, 'kills');
  const faults: string[] = [];
  const lines: string[] = [];
  const settled: { readonly writer: RecordingWriter; readonly present: number }[] = [];
  let writers: RecordingWriter[] = [];
  try {
    await ensemble.startAll();
    await until('a backup that is settled', CATCH_UP_MS, () => isSettled(target));
    for (let cycle = 1; cycle <= options.cycles && faults.length === 0; cycle += 1) {
      const ports = ensemble.members.map((member) => member.clientPort);
      writers = ports.flatMap((_, first) =>
        Array.from({ length: WRITERS_PER_SERVER }, (_each, index) => {
          const own = [...ports.slice(first), ...ports.slice(0, first)];
          return new RecordingWriter(`cycle-${cycle}-writer-${first + 1}-${index + 1}`, own);
        }),
      );
      // Every second end comes while the ensemble is busy with the loss of a server, maybe of the one that ships.
      const isSudden = cycle % 2 === 0;
      const loaded = await load(ensemble, target, writers, { kills: options.kills, isSudden, random }, told);
      const { destroyedMs, calmMs, counts } = loaded;
      if (calmMs > EXPOSURE_MS) faults.push(`with all running, the backups were ${calmMs} ms behind`);
      for (const ms of loaded.serverKilledMs) {
        if (ms > EXPOSURE_MS) faults.push(`after the death of a server, the backups were ${ms} ms behind`);
      }
      faults.push(...(await restore(ensemble, target, cycle === options.cycles, told)));
      await ensemble.startAll();
      const session = new EnsembleSession('judge', { ports });
      const restored: Restored[] = [];
      for (const writer of writers) restored.push(await writer.compare(session));
      const verdict = judge(writers, restored, destroyedMs, EXPOSURE_MS);
      faults.push(...verdict.faults);
      // What an earlier restore brought back is history: a later one must bring back the same.
      for (const { writer, present } of settled) {
        const again = await writer.compare(session);
        faults.push(...again.faults);
        if (again.present !== present)
          faults.push(`${writer.root} had ${present} writes after an earlier restore and has ${again.present} now`);
      }
      if (faults.length === 0) faults.push(...(await compareTrees(ensemble)));
      if (faults.length === 0 && cycle === options.cycles) faults.push(...(await planted(session, writers, restored)));
      await session.close();
      for (const [index, writer] of writers.entries()) settled.push({ writer, present: restored[index]!.present });
      const acknowledged = writers.reduce((sum, { writes }) => sum + writes.length, 0);
      lines.push(
        [
          `cycle ${cycle}${isSudden ? ' (a server died shortly before)' : ''}: ${acknowledged} writes acknowledged, ${verdict.kept} restored, ${verdict.lost} lost`,
          verdict.lost === 0 ? '' : `, the oldest of them acknowledged ${verdict.oldestLostMs} ms before the end`,
          `; ${counts.fulls} full backups and ${counts.segments} pieces of log, ${counts.bytes} bytes`,
          `; exposure at most ${calmMs} ms with all running`,
          `, ms after kills of a server: ${loaded.serverKilledMs.join(', ') || 'none'}`,
          `, of the target: ${loaded.targetKilledMs.join(', ') || 'none'}`,
        ].join(''),
      );
      told(lines.at(-1)!);
    }
  } catch (error) {
    for (const writer of writers) writer.stop();
    await ensemble.end(false);
    await target.end();
    throw new Error(`${String(error)}\nthe servers' folders are kept: ${ensemble.folder}`, { cause: error });
  }
  await ensemble.end(faults.length === 0);
  await target.end();
  if (faults.length > 0) faults.push(`the servers' folders are kept: ${ensemble.folder}`);
  return { faults, summary: lines.join('\n') };
}

/** Spoils what was restored, and complains if the judges do not. */
async function planted(
  session: EnsembleSession,
  writers: readonly RecordingWriter[],
  restored: readonly Restored[],
): Promise<string[]> {
  const writer = writers[0]!;
  await session.askUntilAnswered('delete', { path: writer.pathOf(1), version: -1 });
  await session.askUntilAnswered('setData', { path: writer.pathOf(2), data: Buffer.from('spoiled'), version: -1 });
  const spoiled = (await writer.compare(session)).faults.join('\n');
  const older = restored.map(({ present }) => ({ present: present - 1, faults: [] }));
  const late = judge(writers, older, Date.now(), EXPOSURE_MS).faults.join('\n');
  const uneven = restored.map(({ present }, index) => ({ present: index === 0 ? present >> 1 : present, faults: [] }));
  const holed = judge(writers, uneven, 0, EXPOSURE_MS).faults.join('\n');
  const expected: readonly (readonly [string, string])[] = [
    [spoiled, `gap: ${writer.pathOf(1)}`],
    [spoiled, `wrong bytes: ${writer.pathOf(2)}`],
    [late, `lost: ${writer.root} number ${restored[0]!.present - 1}`],
    [holed, `gap: ${writer.root} number ${restored[0]!.present >> 1}`],
  ];
  return expected
    .filter(([told, fault]) => !told.includes(fault))
    .map(([, fault]) => `planted and not found: ${fault}`);
}

interface Loaded {
  /** When the first server was killed, epoch milliseconds. */
  readonly destroyedMs: number;
  /** The worst exposure in milliseconds, as the monitor has seen it: with all running, and after kills of each kind. */
  readonly calmMs: number;
  readonly serverKilledMs: readonly number[];
  readonly targetKilledMs: readonly number[];
  readonly counts: { readonly fulls: number; readonly segments: number; readonly bytes: number };
}

/** Writes and kills, and in the end destroys everything but the target's objects. */
async function load(
  ensemble: Ensemble,
  target: WatchedTarget,
  writers: readonly RecordingWriter[],
  { kills, isSudden, random }: { readonly kills: number; readonly isSudden: boolean; readonly random: RandomStream },
  told: (line: string) => void,
): Promise<Loaded> {
  for (const writer of writers) await writer.prepare();
  const running = writers.map((writer) => writer.run(PACE_MS));
  // A writer that fails is heard of at the end; until then it must not count as unhandled.
  for (const each of running) each.catch(() => undefined);
  const monitor = new ExposureMonitor(target, writers);
  const serverKilledMs: number[] = [];
  const targetKilledMs: number[] = [];
  /** From now on: what is acknowledged later has come to the target, too. */
  const upToDate = async (): Promise<void> => {
    const since = monitor.acknowledged();
    const isSo = (): boolean => writers[0]!.writes.length > 10 && monitor.isUpToDate(since);
    await until('backups that are up to date', CATCH_UP_MS, isSo);
  };
  monitor.start();
  try {
    await upToDate();
    for (let kill = 1; kill <= kills; kill += 1) {
      await pause(random.below(1000));
      monitor.takeWorst();
      if (target.server !== null && kill % 3 === 0) {
        await target.server.kill();
        await pause(random.below(1500));
        await target.server.start();
        await upToDate();
        targetKilledMs.push(monitor.takeWorst());
        told(`kill ${kill}: the target; exposed to the loss of ${targetKilledMs.at(-1)} ms`);
      } else {
        const isShipper = random.below(2) === 0;
        const anyone = random.pick(ensemble.members);
        const victim = isShipper ? await shipperOf(ensemble) : anyone;
        const mode = isShipper ? 'follower that ships' : await victim.mode();
        await victim.kill();
        await pause(random.below(500));
        await victim.start();
        await ensemble.waitUntilWhole();
        await upToDate();
        serverKilledMs.push(monitor.takeWorst());
        told(`kill ${kill}: ${victim.name}, the ${mode}; exposed to the loss of ${serverKilledMs.at(-1)} ms`);
      }
    }
    monitor.takeWorst();
    await pause(1000 + random.below(CALM_MS));
    const counts = await target.counts();
    const calmMs = monitor.takeWorst();
    if (isSudden) {
      const anyone = random.pick(ensemble.members);
      await (random.below(2) === 0 ? await shipperOf(ensemble) : anyone).kill();
      await pause(random.below(SUDDEN_MS));
    }
    const destroyedMs = Date.now();
    const ends = ensemble.members.filter(({ running: runs }) => runs).map((member) => member.kill());
    if (target.server !== null) ends.push(target.server.kill());
    for (const writer of writers) writer.stop();
    await Promise.all([...ends, ...running]);
    told(`everything is killed, ${writers.reduce((sum, { writes }) => sum + writes.length, 0)} writes acknowledged`);
    return { destroyedMs, calmMs, serverKilledMs, targetKilledMs, counts };
  } finally {
    await monitor.stop();
  }
}

/** Whether what was put first, the head of the backup, is old enough: from then on any server can take over. */
async function isSettled({ objects }: WatchedTarget): Promise<boolean> {
  for await (const { modifiedMs } of objects.list('', AbortSignal.timeout(CATCH_UP_MS))) {
    if (Date.now() - modifiedMs > SETTLED_MS) return true;
  }
  return false;
}

/** Of the followers, which have the smallest numbers first. */
async function shipperOf({ members }: Ensemble): Promise<Ensemble['members'][number]> {
  for (const member of members) if ((await member.mode()) === 'follower') return member;
  throw new Error('nobody follows');
}

/**
 * Removes every data directory, has the command fill new ones from the backups alone, and brings them to their places.
 * `spoilFirst`: before that, backups that are not whole are tried.
 */
async function restore(
  ensemble: Ensemble,
  target: WatchedTarget,
  spoilFirst: boolean,
  told: (line: string) => void,
): Promise<string[]> {
  for (const member of ensemble.members) rmSync(member.dataDir, { recursive: true });
  if (target.server !== null) await target.server.start();
  const base = join(ensemble.folder, 'restored');
  const command = (folder: string): Promise<RunResult> => {
    const argv = [process.execPath, headkeeperBin, 'restore', ...target.options, '--data-dir', folder];
    return runToEnd([...argv, '--servers', ensemble.sids.join()], { timeoutMs: 120_000 });
  };
  const faults = spoilFirst ? await trySpoiledBackups(target.objects, base, command) : [];
  const begun = performance.now();
  const { code, output } = await command(base);
  told(`restored in ${((performance.now() - begun) / 1000).toFixed(1)} s\n${output.trimEnd()}`);
  if (code !== 0) throw new Error(`headkeeper restore exited with ${code}\n${output}`);
  for (const member of ensemble.members) renameSync(join(base, String(member.sid)), member.dataDir);
  rmSync(base, { recursive: true });
  return faults;
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    target: { type: 'string', default: 's3' },
    cycles: { type: 'string', default: '3' },
    kills: { type: 'string', default: '8' },
    tick: { type: 'string', default: '500' },
    seed: { type: 'string' },
  });
  const target = values.target === 'folder' ? 'folder' : 's3';
  const [cycles, kills, tickTime] = [
    numberOf('cycles', values.cycles),
    numberOf('kills', values.kills),
    numberOf('tick', values.tick),
  ];
  const options = { target, cycles, kills, tickTime, seed: seedOfRun(values.seed) } as const;
  endWith(await destroyEverything(options, console.log));
}
