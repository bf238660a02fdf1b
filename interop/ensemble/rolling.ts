/**
 * A rolling migration under load: three servers of Apache ZooKeeper become Headkeeper one by one, on their own data
 * folders, and then Apache again:
 *
 *   node interop/dist/ensemble/rolling.js [--versions 3.9.5,3.8.6] [--there-only]
 *
 * Clients write all the time. No acknowledged write, no session and no ephemeral may be lost, and the trees of all servers
 * must be the same after each way.
 */

import type { ApacheVersion } from '../peers/apache-zookeeper.ts';
import { programOptions, wrongUse } from '../peers/program-options.ts';
import { Ensemble } from './ensemble.ts';
import { EnsembleLoad, PACE_MS } from './ensemble-load.ts';
import { complaints, killLeader, tour } from './joins.ts';
import { kindsOf } from './kinds.ts';
import type { MemberKind } from './member.ts';
import { type ScenarioOutcome, Steps } from './steps.ts';
import { compareTrees } from './tree.ts';

export interface RollingOptions {
  readonly from: ApacheVersion;
  readonly to: MemberKind;
  readonly back: boolean;
}

export async function rolling(options: RollingOptions, told: (line: string) => void): Promise<ScenarioOutcome> {
  const { from, to, back } = options;
  const steps = new Steps(`rolling from ${from} to ${to}`, told);
  const ensemble = await Ensemble.create({ kinds: [from, from, from], settings: { snapCount: '2000' } });
  const load = new EnsembleLoad(ensemble, {
    paceMs: PACE_MS,
    writers: 1,
    keepers: 2,
    sessionMs: back ? 10_000 : 6_000,
  });
  await steps.step('serves', async () => {
    await ensemble.startAll();
    await load.start();
    await load.waitForWrites(100);
  });
  const directions = back ? [to, from] : [to];
  for (const kind of directions) {
    for (const sid of ensemble.sids) {
      await steps.step(`server ${sid} becomes ${kind}`, async () => {
        await ensemble.replace(sid, kind);
        await load.waitForWrites(100);
        return load.faults();
      });
    }
    await steps.step(`the leader is killed, all are ${kind}`, async () => {
      steps.note(`next write after ${(await killLeader(ensemble, load)).toFixed(0)} ms`);
    });
    await steps.step('sessions move over all servers', () => tour(ensemble));
    await steps.step('equal trees', async () => {
      await load.stopWriting();
      const differences = await compareTrees(ensemble);
      load.resumeWriting();
      return differences;
    });
  }
  await steps.step('nothing lost', async () => {
    await load.waitForWrites(50);
    const faults = await load.finish();
    const { acknowledged, foundDone, repeated, sessions } = load.counts();
    steps.note(
      `${acknowledged} writes acknowledged, ${foundDone} found done, ${repeated} repeated; ${sessions} sessions`,
    );
    return faults;
  });
  await steps.step('sessions end everywhere', () => load.leave());
  await steps.step('no complaints', async () => complaints(ensemble));
  if (steps.failed) {
    load.abandon();
    told(`   the servers' folders are kept: ${ensemble.folder}`);
  }
  await ensemble.end(!steps.failed);
  return steps.outcome();
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    versions: { type: 'string', default: '3.9.5,3.8.6' },
    // Another one of Apache's: a run that judges the suite.
    to: { type: 'string', default: 'headkeeper' },
    'there-only': { type: 'boolean', default: false },
  });
  const [to] = kindsOf(values.to);
  let failed = 0;
  for (const from of kindsOf(values.versions)) {
    if (from === 'headkeeper') wrongUse('--versions are Apache versions');
    const options = { from, to: to as MemberKind, back: !values['there-only'] };
    const { faults } = await rolling(options, console.log);
    if (faults.length > 0) failed++;
  }
  console.log(failed === 0 ? 'ok' : `${failed} migrations failed`);
  process.exit(failed === 0 ? 0 : 1);
}
