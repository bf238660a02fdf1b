/**
 * Headkeeper and Apache ZooKeeper in one ensemble, in every role, under load:
 *
 *   node interop/dist/ensemble/mixed.js [--versions 3.9.5,3.8.6] [--layouts follower,leader,observer,observed] [--short]
 *
 * In each layout servers come back with less (DIFF), with nothing (SNAP) and with writes that were never committed (TRUNC),
 * leaders are killed, sessions move over all servers. In the end no acknowledged write, no session and no ephemeral may be
 * lost, and the trees of all servers must be the same.
 */

import type { ApacheVersion } from '../peers/apache-zookeeper.ts';
import { programOptions, wrongUse } from '../peers/program-options.ts';
import { Ensemble } from './ensemble.ts';
import { EnsembleLoad } from './ensemble-load.ts';
import {
  comeBack,
  comeBackEmpty,
  comeBackWithMore,
  complaints,
  killLeader,
  mixSyncs,
  type Sync,
  tour,
} from './joins.ts';
import { kindsOf } from './kinds.ts';
import type { MemberKind } from './member.ts';
import { type ScenarioOutcome, Steps } from './steps.ts';
import { compareTrees } from './tree.ts';

export interface Layout {
  readonly name: string;
  readonly title: string;
  readonly kinds: readonly MemberKind[];
  readonly observers: readonly number[];
  readonly leader: number;
  /** The learner that goes and comes back. */
  readonly subject: number;
}

/** The small preallocation makes logs quick to read; an early snapshot makes them end. */
const SETTINGS: Readonly<Record<string, string>> = { preAllocSize: '1024', snapCount: '2000' };

/** Slow enough that a server starts within the 500 writes that leaders keep in memory. */
const PACE_MS = 40;

/** More than Apache keeps in memory (500). */
const FAR_BEHIND = 700;

export function layoutsOf(version: ApacheVersion): readonly Layout[] {
  const ours = 'headkeeper';
  return [
    {
      name: 'follower',
      title: `Headkeeper follows Apache ${version}`,
      kinds: [ours, version, version],
      observers: [],
      leader: 3,
      subject: 1,
    },
    {
      name: 'leader',
      title: `Headkeeper leads Apache ${version}`,
      kinds: [version, version, ours],
      observers: [],
      leader: 3,
      subject: 1,
    },
    {
      name: 'observer',
      title: `Headkeeper observes Apache ${version}`,
      kinds: [version, version, version, ours],
      observers: [4],
      leader: 3,
      subject: 4,
    },
    {
      name: 'observed',
      title: `Apache ${version} observes Headkeeper`,
      kinds: [ours, version, ours, version],
      observers: [4],
      leader: 3,
      subject: 4,
    },
  ];
}

/** `short`: without the joins that take long, and with sessions that expire sooner. */
export async function mixed(layout: Layout, short: boolean, told: (line: string) => void): Promise<ScenarioOutcome> {
  const { kinds, observers, leader, subject } = layout;
  const steps = new Steps(layout.title, told);
  const ensemble = await Ensemble.create({ kinds, observers, relays: true, settings: SETTINGS });
  const load = new EnsembleLoad(ensemble, {
    paceMs: PACE_MS,
    writers: 1,
    keepers: 2,
    sessionMs: short ? 6_000 : 10_000,
  });
  await steps.step('elects and serves', async () => {
    await ensemble.startAll(leader);
    await load.start();
    await load.waitForWrites(100);
  });
  await steps.step('DIFF', async () => onlyBy('DIFF', await comeBack(ensemble, load, subject, 50)));
  if (!short) {
    await steps.step('far behind', async () => {
      const syncs = await comeBack(ensemble, load, subject, FAR_BEHIND);
      steps.note(`${FAR_BEHIND} writes behind: ${syncs.join(' and ')}`);
    });
    await steps.step('SNAP', async () => onlyBy('SNAP', await comeBackEmpty(ensemble, load, subject)));
  }
  if (!observers.includes(subject)) {
    await steps.step('TRUNC', async () => onlyBy('TRUNC', await comeBackWithMore(ensemble, load, subject, false)));
    if (!short) {
      await steps.step('uncommitted writes, replaced by others', async () => {
        const syncs = await comeBackWithMore(ensemble, load, subject, true);
        steps.note(`synchronised by ${syncs.join(' and ')}`);
      });
    }
    await steps.step('leads again', () => ensemble.makeLeader(leader));
  }
  await steps.step('sessions move over all servers', () => tour(ensemble));
  await steps.step('syncs among writes', () => mixSyncs(ensemble));
  await steps.step('leader killed', async () => {
    steps.note(`next write after ${(await killLeader(ensemble, load)).toFixed(0)} ms`);
  });
  if (!short) {
    await steps.step('leader killed, whoever it is now', async () => {
      steps.note(`next write after ${(await killLeader(ensemble, load)).toFixed(0)} ms`);
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

function onlyBy(wanted: Sync, syncs: readonly Sync[]): string[] {
  return syncs.length === 1 && syncs[0] === wanted ? [] : [`synchronised by ${syncs.join(' and ') || 'nothing'}`];
}

if (import.meta.filename === process.argv[1]) {
  const values = programOptions(import.meta.filename, {
    versions: { type: 'string', default: '3.9.5,3.8.6' },
    layouts: { type: 'string', default: 'follower,leader,observer,observed' },
    // Apache in Headkeeper's place: a run that judges the suite.
    ours: { type: 'string', default: 'headkeeper' },
    short: { type: 'boolean', default: false },
  });
  const names = values.layouts.split(',');
  const [ours] = kindsOf(values.ours);
  let failed = 0;
  for (const version of kindsOf(values.versions)) {
    if (version === 'headkeeper') wrongUse('--versions are Apache versions');
    for (const layout of layoutsOf(version).filter(({ name }) => names.includes(name))) {
      const kinds = layout.kinds.map((kind) => (kind === 'headkeeper' ? (ours as MemberKind) : kind));
      const { faults } = await mixed({ ...layout, kinds }, values.short, console.log);
      if (faults.length > 0) failed++;
    }
  }
  console.log(failed === 0 ? 'ok' : `${failed} layouts failed`);
  process.exit(failed === 0 ? 0 : 1);
}
