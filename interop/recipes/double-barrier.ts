/** Double barriers that all languages use together: nobody is in before all have come, nobody is out before all leave. */

import { until } from '../ensemble/waiting.ts';
import type { Crew } from './crew.ts';
import type { Scenario, ScenarioOptions, Verdict } from './scenario.ts';
import type { Said, Worker } from './worker.ts';

/** When a member is killed: while it waits for the others to come, when it is in, while it waits for them to leave. */
type KillAt = 'coming' | 'inside' | 'leaving';

const KILLS: readonly KillAt[] = ['coming', 'inside', 'leaving'];
const PATIENCE_MS = 30_000;

export const doubleBarrierScenario: Scenario = {
  name: 'double barrier',
  share: 0.065,
  run: async (crew, { rounds, kills }: ScenarioOptions): Promise<Verdict> => {
    const faults: string[] = [];
    const every = Math.max(1, Math.floor(rounds / Math.max(1, kills)));
    for (let round = 0; round < rounds; round++) {
      const isKilling = round % every === every - 1 && Math.floor(round / every) < kills;
      const killAt = isKilling ? (KILLS[Math.floor(round / every) % KILLS.length] as KillAt) : null;
      faults.push(...(await useOnce(crew, round, killAt, null)));
    }
    return { rounds, faults };
  },
  // One of them says that it is in without having waited.
  runBroken: async (crew) => ({ rounds: 1, faults: await useOnce(crew, 0, null, crew.workers[0] as Worker) }),
};

async function useOnce(crew: Crew, round: number, killAt: KillAt | null, broken: Worker | null): Promise<string[]> {
  const path = `/barrier-${crew.client.uniqueId()}`;
  // Not a container, which kazoo does not expect to be gone.
  await crew.client.create(path);
  const from = new Map<Worker, number>();
  const said = (worker: Worker, what: string): Promise<Said> => worker.hears(what, from.get(worker));
  const come = (worker: Worker): void => {
    from.set(worker, worker.said.length);
    worker.send(`${worker === broken ? 'enter-broken' : 'enter'} ${path} ${crew.workers.length}`);
  };
  const hasNode = (owners: ReadonlyMap<bigint, string>) => (worker: Worker) => owners.has(worker.session);

  // All come but one: nobody may be in.
  const last = crew.workers[(round + 1) % crew.workers.length] as Worker;
  const first = crew.workers.filter((worker) => worker !== last);
  first.forEach(come);
  const firstAreThere = (): Promise<boolean> =>
    until('all members but one', PATIENCE_MS, async () => first.every(hasNode(await crew.owners(path))));
  await firstAreThere();
  if (killAt === 'coming') {
    const at = round % first.length;
    const victim = first[at] as Worker;
    first[at] = await crew.replace(victim);
    await crew.untilForgotten(victim, path);
    come(first[at] as Worker);
    await firstAreThere();
  }
  come(last);
  const members = [...first, last];
  await Promise.all(members.map((worker) => said(worker, 'in')));
  const faults = compare(members, 'in', 'coming', from);
  const nodes = await crew.owners(path);

  // All leave but one: nobody may be out. Curator and kazoo do go when the lowest dies before the last one leaves, so a dead
  // one is forgotten before the others begin, or dies when all have.
  let living = members;
  if (killAt === 'inside') {
    const victim = members[round % members.length] as Worker;
    await crew.replace(victim);
    await crew.untilForgotten(victim, path);
    living = members.filter((worker) => worker !== victim);
  }
  const lastOut = living[round % living.length] as Worker;
  const leavers = living.filter((worker) => worker !== lastOut);
  for (const worker of leavers) worker.send('leave');
  const lowest = [...nodes.values()].sort()[0];
  await until('all members but one to leave', PATIENCE_MS, async () => {
    const owners = await crew.owners(path);
    return leavers.every((worker) => !owners.has(worker.session) || owners.get(worker.session) === lowest);
  });
  if (killAt === 'leaving') {
    const victim = leavers[round % leavers.length] as Worker;
    const replaced = crew.replace(victim);
    living = living.filter((worker) => worker !== victim);
    lastOut.send('leave');
    await replaced;
  } else lastOut.send('leave');
  await Promise.all(living.map((worker) => said(worker, 'out')));
  return [...faults, ...compare(living, 'out', 'leaving', from)];
}

/** Nobody may have said the one thing before everybody had said the other. */
function compare(
  members: readonly Worker[],
  what: string,
  before: string,
  from: ReadonlyMap<Worker, number>,
): string[] {
  const time = (worker: Worker, word: string): bigint =>
    BigInt(worker.said.slice(from.get(worker)).find((said) => said.what === word)?.words[0] ?? 0);
  return members.flatMap((early) => {
    const at = time(early, what);
    return members
      .filter((late) => time(late, before) > at)
      .map((late) => `${early.name} was ${what} ${time(late, before) - at} ns before ${late.name} was ${before}`);
  });
}
