/**
 * A backup of one server's data directory, taken while it runs, restored into three directories on which an ensemble of the
 * other kind starts: the same tree to the last field, without the sessions, in an epoch above all that were.
 *
 *   node interop/dist/backup/apache-restore.js [--writers headkeeper,3.9.5] [--readers 3.9.5,headkeeper]
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareLines, startOn, superDigest, treeProgram } from '../data-directory/round-trip.ts';
import { Ensemble } from '../ensemble/ensemble.ts';
import { EnsembleSession } from '../ensemble/ensemble-session.ts';
import { kindsOf } from '../ensemble/kinds.ts';
import type { MemberKind } from '../ensemble/member.ts';
import { type ScenarioOutcome, Steps } from '../ensemble/steps.ts';
import { compareTrees } from '../ensemble/tree.ts';
import { run } from '../peers/command.ts';
import { headkeeperBin } from '../peers/headkeeper.ts';
import { programOptions } from '../peers/program-options.ts';
import type { ServerProcess } from '../peers/server-process.ts';

const NEVER_MS = 3_600_000;
const SIDS = [1, 2, 3];
const TWO_32 = 4294967296;

/** What every server of an ensemble needs to show the tree, and leaves alone what would expire. */
const SETTINGS: Readonly<Record<string, string>> = {
  extendedTypesEnabled: 'true',
  'DigestAuthenticationProvider.superDigest': superDigest,
  'znode.container.checkIntervalMs': String(NEVER_MS),
};

/** Znodes that are not the same on a restored ensemble: sessions end, quotas are counted anew, the members are others. */
const OTHERWISE = /^\/(?:types\/e-live\S*|zookeeper\/config|zookeeper\/quota\/types\/zookeeper_stats) /;
/** The parent of the ephemerals that went: its children and the time of its last change are others. */
const PARENT = /^(\/types ) *(.*?) cversion=\S+ (.*?) numChildren=\S+ pzxid=\S+ /;

export async function restoreAcross(
  writer: MemberKind,
  reader: MemberKind,
  tell: (line: string) => void,
): Promise<ScenarioOutcome> {
  const steps = new Steps(`a backup of ${nameOf(writer)} restored for three servers of ${nameOf(reader)}`, tell);
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-restore-'));
  const dataDir = join(folder, 'data');
  const target = join(folder, 'backup');
  let ensemble: Ensemble | null = null;
  let server: ServerProcess | null = null;
  let written = '';
  let newestZxid = 0;
  try {
    await steps.step('a tree with everything in it', async () => {
      const kind = writer === 'headkeeper' ? writer : (`apache ${writer}` as const);
      server = await startOn(kind, dataDir, 500);
      await treeProgram('fill', server);
      await server.stop();
      server = await startOn(kind, dataDir, NEVER_MS);
      await treeProgram('leave', server);
      written = await treeProgram('walk', server);
    });
    await steps.step('a backup of the running server, verified', async () => {
      const made = await headkeeper(['backup', 'now', '--data-dir', dataDir, '--target', target, '--json']);
      await server?.kill();
      // Progress may come before it.
      newestZxid = Number(JSON.parse(made.trimEnd().split('\n').at(-1) ?? '').zxid);
      await headkeeper(['backup', 'verify', '--target', target]);
      const again = await headkeeper(['backup', 'now', '--data-dir', dataDir, '--target', target]);
      return again.includes('has had a full backup') ? [] : [`the second backup says: ${again}`];
    });
    await steps.step('restored and started', async () => {
      const restored = join(folder, 'restored');
      await headkeeper(['restore', '--target', target, '--data-dir', restored, '--servers', SIDS.join(',')]);
      ensemble = await Ensemble.create({ kinds: SIDS.map(() => reader), settings: SETTINGS, properties: SETTINGS });
      for (const member of ensemble.members)
        cpSync(join(restored, String(member.sid)), member.dataDir, { recursive: true });
      await ensemble.startAll();
    });
    await steps.step('the same tree, without the sessions', async () => {
      const member = required(ensemble).member(2);
      const found = await treeProgram('walk', { address: `127.0.0.1:${member.clientPort}` });
      return compareLines(comparable(written), comparable(found)).concat(
        found.includes('/types/e-live') ? ['the ephemerals of an ended session are still there'] : [],
      );
    });
    await steps.step('an epoch above all that were, and writes in it', async () => {
      const all = required(ensemble);
      const session = new EnsembleSession('after', { ports: all.members.map(({ clientPort }) => clientPort) });
      await session.link();
      await session.close();
      const zxid = (await (await all.waitForLeader()).zxid()) ?? 0;
      const epochs = [Math.floor(newestZxid / TWO_32), Math.floor(zxid / TWO_32)] as const;
      steps.note(`epoch ${epochs[0]} before, ${epochs[1]} now`);
      return epochs[1] > epochs[0] + 256 ? [] : [`epoch ${epochs[1]} after ${epochs[0]}`];
    });
    await steps.step('the same tree on every server', () => compareTrees(required(ensemble)));
    return steps.outcome();
  } finally {
    const started = server as ServerProcess | null;
    if (started?.running === true) await started.kill();
    await (ensemble as Ensemble | null)?.end(!steps.failed);
    if (!steps.failed) rmSync(folder, { recursive: true, force: true });
  }
}

function headkeeper(words: readonly string[]): Promise<string> {
  return run([process.execPath, headkeeperBin, ...words], { timeoutMs: 60_000 });
}

function required<T>(value: T | null): T {
  if (value === null) throw new Error('an earlier step made it');
  return value;
}

function comparable(walk: string): string {
  return walk
    .split('\n')
    .filter((line) => !OTHERWISE.test(line))
    .map((line) => line.replace(PARENT, '$1 $2 $3 '))
    .join('\n');
}

function nameOf(kind: MemberKind): string {
  return kind === 'headkeeper' ? 'Headkeeper' : `Apache ZooKeeper ${kind}`;
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    writers: { type: 'string', default: 'headkeeper,3.9.5' },
    readers: { type: 'string', default: '3.9.5,headkeeper' },
  });
  let failed = 0;
  for (const writer of kindsOf(values.writers)) {
    for (const reader of kindsOf(values.readers)) {
      const { faults } = await restoreAcross(writer, reader, console.log);
      failed += faults.length;
    }
  }
  console.log(failed === 0 ? 'all is well' : `${failed} faults`);
  process.exitCode = failed === 0 ? 0 : 1;
}
