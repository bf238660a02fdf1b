/**
 * Headkeeper leads Apache ZooKeeper's servers and hands over to one of them, asked to and when it is stopped, under load:
 *
 *   node interop/dist/ensemble/transfer.js [--versions 3.9.5,3.8.6] [--rounds 3]
 *
 * The server that it names must lead, in one election; no acknowledged write, no session and no ephemeral may be lost, and the
 * trees of all servers must be the same.
 */

import type { ApacheVersion } from '../peers/apache-zookeeper.ts';
import { numberOf, programOptions, wrongUse } from '../peers/program-options.ts';
import { Ensemble } from './ensemble.ts';
import { EnsembleLoad, PACE_MS } from './ensemble-load.ts';
import { complaints } from './joins.ts';
import { kindsOf } from './kinds.ts';
import type { Member } from './member.ts';
import { type ScenarioOutcome, Steps } from './steps.ts';
import { compareTrees } from './tree.ts';

const OURS = 3;
const EPOCH = 2 ** 32;

export async function transfers(
  version: ApacheVersion,
  rounds: number,
  told: (line: string) => void,
): Promise<ScenarioOutcome> {
  const steps = new Steps(`Headkeeper hands over to Apache ${version}`, told);
  const ensemble = await Ensemble.create({ kinds: [version, version, 'headkeeper'] });
  const load = new EnsembleLoad(ensemble, { paceMs: PACE_MS, writers: 1, keepers: 2, sessionMs: 10_000 });
  await steps.step('elects and serves', async () => {
    await ensemble.startAll(OURS);
    await load.start();
    await load.waitForWrites(100);
  });
  for (let round = 1; round <= rounds; round++) {
    for (const how of ['asked', 'stopped'] as const) {
      await steps.step(`hands over, ${how}, round ${round}`, async () => {
        await ensemble.makeLeader(OURS);
        await load.waitForWrites(20);
        return handOver(ensemble, load, how, (line) => steps.note(line));
      });
    }
  }
  await steps.step('nothing lost', async () => {
    await load.waitForWrites(50);
    return load.finish();
  });
  await steps.step('equal trees', () => compareTrees(ensemble));
  await steps.step('sessions end everywhere', () => load.leave());
  await steps.step('no complaints', async () => complaints(ensemble));
  if (steps.failed) {
    load.abandon();
    told(`   the servers' folders are kept: ${ensemble.folder}`);
  }
  await ensemble.end(!steps.failed);
  return steps.outcome();
}

/** Returns what went wrong. */
async function handOver(
  ensemble: Ensemble,
  load: EnsembleLoad,
  how: 'asked' | 'stopped',
  note: (line: string) => void,
): Promise<string[]> {
  const former = await ensemble.waitUntilWhole();
  const mark = former.logLength();
  const epoch = epochOf(await former.zxid());
  const next = load.nextWrite(({ zxid }) => epochOf(zxid) > epoch);
  const began = performance.now();
  if (how === 'asked') former.process.signal('SIGUSR2');
  else await former.stop();
  const { answered, zxid } = await next;
  note(`${how}: next write after ${(answered - began).toFixed(0)} ms`);
  if (!former.running) await former.start();
  const leader: Member = await ensemble.waitUntilWhole();
  const named = /handing over to server (\d+)/.exec(former.logSince(mark))?.[1];
  const faults: string[] = [];
  if (String(leader.sid) !== named) faults.push(`server ${leader.sid} leads, and not ${named}`);
  if (epochOf(zxid) !== epoch + 1) faults.push(`epoch ${epochOf(zxid)} follows ${epoch}`);
  return faults;
}

function epochOf(zxid: number | null): number {
  return Math.floor((zxid ?? 0) / EPOCH);
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    versions: { type: 'string', default: '3.9.5,3.8.6' },
    rounds: { type: 'string', default: '3' },
  });
  let failed = 0;
  for (const version of kindsOf(values.versions)) {
    if (version === 'headkeeper') wrongUse('--versions are Apache versions');
    const { faults } = await transfers(version, numberOf('rounds', values.rounds), console.log);
    if (faults.length > 0) failed++;
  }
  console.log(failed === 0 ? 'ok' : `${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
