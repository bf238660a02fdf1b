/** All that is tried with ensembles, in short (`--slice`) and at length (`--all`); run.ts runs it and counts. */

import { clientRuns } from '../clients/client-runs.ts';
import { damaged } from './damaged.ts';
import { Ensemble } from './ensemble.ts';
import { historyRun } from './history-run.ts';
import { identities } from './identities.ts';
import { killRounds } from './kill-rounds.ts';
import type { Member, MemberKind } from './member.ts';
import { layoutsOf, mixed } from './mixed.ts';
import { plantedLosses } from './planted-losses.ts';
import { reconfiguration } from './reconfiguration.ts';
import { rolling } from './rolling.ts';
import { secured } from './secured.ts';
import { transfers } from './transfer.ts';

/** Told of each part: how much went well, what did not. */
export type Count = (passed: number, faults: readonly string[], title: string) => void;

/** Runs one part; what it throws is a fault of that part alone. */
export type Part = (title: string, body: () => Promise<void>) => Promise<void>;

const OURS: readonly MemberKind[] = ['headkeeper', 'headkeeper', 'headkeeper'];

/** What the client programs expect of a server. */
const CLIENT_SETTINGS: Readonly<Record<string, string>> = {
  extendedTypesEnabled: 'true',
  'znode.container.checkIntervalMs': '1000',
};

const silent = () => {};

/** `seed`: of all that these draw. */
export async function ensembleSuites(all: boolean, seed: number, part: Part, count: Count): Promise<void> {
  await part('clients of an ensemble', () => clientsOfEnsemble(all, count));
  await part('planted losses', async () => {
    const { title, passed, faults } = await plantedLosses(OURS, silent);
    count(passed.length, faults, title);
  });
  const rounds = all ? 100 : 5;
  await part(`${rounds} kills in an ensemble`, async () => {
    const { faults, summary } = await killRounds({ rounds, kinds: OURS, tickTime: 2000, seed }, silent);
    console.log(summary.replaceAll(/^/gm, '   '));
    count(rounds, faults, `${rounds} kills in an ensemble`);
  });
  await part('a history of an ensemble', async () => {
    const size = all ? { operations: 10_000, faults: 24 } : { operations: 2_000, faults: 4 };
    const { faults, summary } = await historyRun({ ...size, kinds: OURS, reads: 'sync', seed }, silent);
    console.log(summary.replaceAll(/^/gm, '   '));
    count(2, faults, 'a history of an ensemble');
  });
  const versions = all ? (['3.9.5', '3.8.6'] as const) : (['3.9.5'] as const);
  for (const version of versions) {
    const layouts = layoutsOf(version).filter(({ name }) => all || name === 'follower' || name === 'leader');
    for (const layout of layouts) {
      await part(layout.title, async () => {
        const { title, passed, faults } = await mixed(layout, !all, silent);
        count(passed.length, faults, title);
      });
    }
    await part(`handing over to ${version}`, async () => {
      const { title, passed, faults } = await transfers(version, all ? 3 : 1, silent);
      count(passed.length, faults, title);
    });
    if (all) {
      await part(`damaged histories beside ${version}`, async () => {
        const { title, passed, faults } = await damaged(version, silent);
        count(passed.length, faults, title);
      });
    }
    await part(`rolling migration of ${version}`, async () => {
      const { title, passed, faults } = await rolling({ from: version, to: 'headkeeper', back: all }, silent);
      count(passed.length, faults, title);
    });
  }
  const guarded: readonly MemberKind[] = all ? ['headkeeper', '3.9.5', '3.8.6'] : ['3.9.5', 'headkeeper', 'headkeeper'];
  await part('authenticated servers, TLS server by server', async () => {
    const { title, passed, faults } = await secured({ kinds: guarded }, silent);
    count(passed.length, faults, title);
  });
  if (all) {
    for (const version of versions) {
      await part(`SASL identities beside ${version}`, async () => {
        const { title, passed, faults } = await identities([version, 'headkeeper', 'headkeeper'], [1, 2], silent);
        count(passed.length, faults, title);
      });
    }
  }
  const joiners: readonly MemberKind[] = all ? ['headkeeper', '3.9.5'] : ['headkeeper'];
  for (const joiner of joiners) {
    await part(`reconfiguration, ${joiner} joins`, async () => {
      const { title, passed, faults } = await reconfiguration({ kinds: OURS, joiner }, silent);
      count(passed.length, faults, title);
    });
  }
}

/** Every client program, at a follower; at length also at the leader and at an observer. */
async function clientsOfEnsemble(all: boolean, count: Count): Promise<void> {
  const kinds: readonly MemberKind[] = all ? [...OURS, 'headkeeper'] : OURS;
  const ensemble = await Ensemble.start({ kinds, observers: all ? [4] : [], settings: CLIENT_SETTINGS }, 3);
  let good = false;
  try {
    const roles: readonly (readonly [string, Member])[] = [
      ['a follower', ensemble.member(1)],
      ...(all
        ? ([
            ['the leader', ensemble.member(3)],
            ['an observer', ensemble.member(4)],
          ] as const)
        : []),
    ];
    for (const [role, member] of roles) {
      for (const client of clientRuns) {
        const { passed, failed, output } = await client.run(`127.0.0.1:${member.clientPort}`);
        count(passed, failed > 0 ? [output] : [], `${client.name} at ${role}`);
      }
    }
    good = true;
  } finally {
    await ensemble.end(good);
  }
}
