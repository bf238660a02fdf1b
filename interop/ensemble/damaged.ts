/**
 * Damaged histories in an ensemble of both kinds of server, under load:
 *
 *   node interop/dist/ensemble/damaged.js [--versions 3.9.5,3.8.6]
 *
 * One damaged Headkeeper server gets its history from the leader, which is Apache's or ours. When most have
 * lost the same, nobody leads, though Apache's server has it: that knows nothing of repair, so the damaged ones say why,
 * and wait for an operator. In the end no
 * acknowledged write, no session and no ephemeral may be lost, and the trees of all servers must be the same.
 */

import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RandomStream } from '@headkeeper/testkit';
import { damage, filesOf } from '../chaos/damage.ts';
import type { ApacheVersion } from '../peers/apache-zookeeper.ts';
import { programOptions, wrongUse } from '../peers/program-options.ts';
import { Ensemble } from './ensemble.ts';
import { EnsembleLoad, PACE_MS } from './ensemble-load.ts';
import { comeBack, complaints } from './joins.ts';
import { kindsOf } from './kinds.ts';
import type { Member } from './member.ts';
import { type ScenarioOutcome, Steps } from './steps.ts';
import { compareTrees } from './tree.ts';
import { until } from './waiting.ts';

const OURS = [1, 2] as const;
const THEIRS = 3;
/** The small preallocation makes logs quick to read. */
const SETTINGS: Readonly<Record<string, string>> = { preAllocSize: '1024' };
const SAYS_DAMAGED = /the data cannot be trusted and is set aside/;
/**
 * Of a server that would repair its history: it has seen that a voter does not know how, or has asked the other one, which
 * lacks the same, before that voter was heard.
 */
const SAYS_WHY =
  /is not repaired: server 3 does not know how \(Apache ZooKeeper\)|cannot be repaired now: the txns from 0x/;
const WAIT_MS = 30_000;
/** What a server of Apache's says when it cannot read what another one sent. */
const BEWILDERED = /BufferUnderflow|NegativeArraySize|Got a short response|Unexpected exception in.*WorkerReceiver/;

export async function damaged(version: ApacheVersion, told: (line: string) => void): Promise<ScenarioOutcome> {
  const steps = new Steps(`Damaged histories beside Apache ${version}`, told);
  const ensemble = await Ensemble.create({ kinds: ['headkeeper', 'headkeeper', version], settings: SETTINGS });
  // They outlast the time without a leader.
  const load = new EnsembleLoad(ensemble, { paceMs: PACE_MS, writers: 1, keepers: 1, sessionMs: 20_000 });
  await steps.step('elects and serves', async () => {
    await ensemble.startAll(THEIRS);
    await load.start();
    await load.waitForWrites(200);
  });
  for (const leader of [THEIRS, OURS[1]]) {
    await steps.step(`one damaged, server ${leader} leads`, async () => {
      await ensemble.makeLeader(leader);
      await load.waitForWrites(50);
      const member = ensemble.member(OURS[0]);
      const mark = member.logLength();
      const syncs = await comeBack(ensemble, load, member.sid, 20, () => hurt(member, 0.5, 0.51));
      steps.note(`server ${leader} leads: synchronised by ${syncs.join(' and ')}`);
      return SAYS_DAMAGED.test(member.logSince(mark)) ? [] : [`${member.name} does not speak of damage`];
    });
  }
  await steps.step('two of three damaged: nobody leads, and they say why', async () => {
    await load.waitForWrites(50);
    await load.stopWriting();
    await Promise.all(ensemble.members.map((member) => member.kill()));
    const harmed = OURS.map((sid) => ensemble.member(sid));
    for (const member of harmed) {
      cpSync(member.dataDir, keptOf(member), { recursive: true });
      // The same txns on both, whatever else is in their logs: nobody but Apache's server has these.
      hurt(member, 0.9, 0.99);
    }
    const marks = harmed.map((member) => member.logLength());
    for (const member of ensemble.members) await member.start();
    for (const [index, member] of harmed.entries()) {
      await until(`${member.name} says why its history is not repaired`, WAIT_MS, () =>
        SAYS_WHY.test(member.logSince(marks[index] as number)),
      );
    }
    const serving = [...(await ensemble.modes())].filter(([, mode]) => mode !== null);
    return serving.map(([sid, mode]) => `server ${sid} is a ${mode} without a majority that has its history`);
  });
  await steps.step('an operator brings one of the two back', async () => {
    const member = ensemble.member(OURS[1]);
    await member.kill();
    rmSync(member.dataDir, { recursive: true });
    cpSync(keptOf(member), member.dataDir, { recursive: true });
    await member.start();
    await ensemble.waitUntilWhole();
    load.resumeWriting();
  });
  await steps.step('nothing lost', async () => {
    await load.waitForWrites(50);
    return load.finish();
  });
  await steps.step('equal trees', () => compareTrees(ensemble));
  await steps.step('sessions end everywhere', () => load.leave());
  await steps.step('no complaints', async () => [...complaints(ensemble), ...bewildered(ensemble.member(THEIRS))]);
  if (steps.failed) {
    load.abandon();
    told(`   the servers' folders are kept: ${ensemble.folder}`);
  }
  await ensemble.end(!steps.failed);
  return steps.outcome();
}

/** Zeros in the newest log, between two fractions of what is written of it. */
function hurt(member: Member, from: number, to: number): void {
  const log = filesOf(member.dataDir).findLast(({ name }) => name.startsWith('log.'));
  if (log === undefined)
    throw new Error(`${member.name} has no log: ${readdirSync(join(member.dataDir, 'version-2'))}`);
  const at = Math.floor(log.usedBytes * from);
  damage(log, 'zeros', at, Math.floor(log.usedBytes * to) - at, new RandomStream(0, member.name));
}

function keptOf(member: Member): string {
  return `${member.dataDir}.kept`;
}

function bewildered(member: Member): string[] {
  const lines = member.logSince(0).split('\n');
  return lines.filter((line) => BEWILDERED.test(line)).map((line) => `logged: ${line}`);
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, { versions: { type: 'string', default: '3.9.5,3.8.6' } });
  let failed = 0;
  for (const version of kindsOf(values.versions)) {
    if (version === 'headkeeper') wrongUse('--versions are Apache versions');
    const { faults } = await damaged(version, console.log);
    if (faults.length > 0) failed++;
  }
  console.log(failed === 0 ? 'ok' : `${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
