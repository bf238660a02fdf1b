/**
 * The load itself under test: a write that disappears, one that is there twice and a session that ends must each be seen.
 *
 *   node interop/dist/ensemble/planted-losses.js [--kinds headkeeper,headkeeper,headkeeper]
 */

import { CreateMode, ErrorCode } from '@headkeeper/protocol';
import { RawSession } from '../crash/raw-session.ts';
import { programOptions } from '../peers/program-options.ts';
import { Ensemble } from './ensemble.ts';
import { EnsembleLoad, PACE_MS } from './ensemble-load.ts';
import { creation, EnsembleSession } from './ensemble-session.ts';
import { kindsOf } from './kinds.ts';
import type { MemberKind } from './member.ts';
import { type ScenarioOutcome, Steps } from './steps.ts';

export async function plantedLosses(
  kinds: readonly MemberKind[],
  told: (line: string) => void,
): Promise<ScenarioOutcome> {
  const steps = new Steps('planted losses', told);
  const ensemble = await Ensemble.create({ kinds });
  const load = new EnsembleLoad(ensemble, { paceMs: PACE_MS, writers: 1, keepers: 1 });
  const [writer] = load.writers;
  const [keeper] = load.keepers;
  if (writer === undefined || keeper === undefined) throw new Error('a load of nobody');
  await steps.step('a write, a session and a copy are planted', async () => {
    await ensemble.startAll();
    await load.start();
    await load.waitForWrites(60);
    await load.stopWriting();
    const thief = new EnsembleSession('thief', { ports: [ensemble.member(1).clientPort] });
    const folder = writer.folderOf(0);
    const path = `${folder}/0-0000000000`;
    const deleted = await thief.ask('delete', { path, version: -1 });
    const copied = await thief.ask('create', creation(`${folder}/1-`, '', CreateMode.persistentSequential));
    await thief.close();
    const robbed = await RawSession.attach(ensemble.member(1).clientPort, keeper.session.key, 0);
    await robbed.request('closeSession', null);
    return deleted.error === ErrorCode.ok && copied.error === ErrorCode.ok ? [] : ['nothing was planted'];
  });
  await steps.step('all three are seen', async () => {
    await load.finish();
    const { lost, duplicates, sessionsLost } = load.counts();
    if (lost === 1 && duplicates === 1 && sessionsLost === 1) return [];
    return [`seen: ${lost} lost, ${duplicates} duplicates, ${sessionsLost} sessions lost`];
  });
  load.abandon();
  await ensemble.end(!steps.failed);
  return steps.outcome();
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    kinds: { type: 'string', default: 'headkeeper,headkeeper,headkeeper' },
  });
  const { faults } = await plantedLosses(kindsOf(values.kinds), console.log);
  process.exit(faults.length === 0 ? 0 : 1);
}
