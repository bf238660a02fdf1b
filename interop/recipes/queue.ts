/**
 * One queue: SimpleQueue, Curator's SimpleDistributedQueue, kazoo's Queue with the names of the others. And one with
 * Curator's encoding of items: DistributedQueue, ours and Curator's.
 *
 * While connections last, each of them hands an item out exactly once. After a lost connection Curator and kazoo may
 * put an item twice, or lose one that they take; ours does neither. A process that is killed may have put one item more
 * than it said, and may take one with it; Curator's DistributedQueue, which says nothing before it takes, may do so
 * when it is closed, too.
 */

import { DistributedQueue, SimpleQueue } from '@headkeeper/recipes';
import type { Crew } from './crew.ts';
import type { Scenario, ScenarioOptions, Verdict } from './scenario.ts';
import { work } from './shared-work.ts';
import type { Language, Said, Worker } from './worker.ts';

const NOTHING = 'nothing';
const IDLE = 'idle';

export const queueScenario: Scenario = {
  name: 'queue',
  share: 0.1,
  run: (crew, options) => exchange(crew, SIMPLE, options, null),
  // One of them takes what others take.
  runBroken: (crew) => exchange(crew, SIMPLE, { rounds: 60, kills: 0 }, crew.workers[0] as Worker),
};

export const itemQueueScenario: Scenario = {
  name: 'queue of items',
  share: 0.05,
  run: (crew, options) => exchange(crew, ITEMS, options, null),
  runBroken: (crew) => exchange(crew, ITEMS, { rounds: 60, kills: 0 }, crew.workers[0] as Worker),
};

interface Kind {
  readonly commands: Readonly<Record<Language, string>>;
  readonly open: (client: Crew['client'], path: string) => SimpleQueue | DistributedQueue;
  /** Languages whose takers say nothing before they take. */
  readonly silent: ReadonlySet<Language>;
}

const SIMPLE: Kind = {
  commands: { typescript: 'exchange', java: 'exchange', python: 'exchange' },
  open: (client, path) => new SimpleQueue(client, path),
  silent: new Set(),
};
const ITEMS: Kind = {
  commands: { typescript: 'exchange-items', java: 'exchange-items', python: IDLE },
  open: (client, path) => new DistributedQueue(client, path),
  silent: new Set<Language>(['java']),
};

async function exchange(crew: Crew, kind: Kind, options: ScenarioOptions, broken: Worker | null): Promise<Verdict> {
  const path = `/queue-${crew.client.uniqueId()}`;
  // Not a container, which kazoo does not expect to be gone.
  await crew.client.create(path);
  const histories = await work(crew, options, {
    command: (worker) => `${kind.commands[worker.language]}${worker === broken ? '-broken' : ''} ${path}`,
    takesPart: ({ language }) => kind.commands[language] !== IDLE,
    begins: new Set(['putting', 'taking']),
    isRound: ({ what, words }) => what === 'took' && words[0] !== NOTHING,
  });
  await crew.client.sync(path);
  const left: string[] = [];
  await using queue = kind.open(crew.client, path);
  for (let item = await queue.poll(); item !== null; item = await queue.poll()) {
    left.push(new TextDecoder().decode(item.data));
  }
  return judgeItems(histories, left, kind.silent);
}

function judgeItems(
  histories: readonly (readonly Said[])[],
  left: readonly string[],
  silent: ReadonlySet<Language>,
): Verdict {
  const faults: string[] = [];
  const put = new Set<string>();
  const maybePut = new Set<string>();
  const taken = new Map<string, string>();
  let takesInDoubt = 0;
  const take = (item: string, by: string): void => {
    const other = taken.get(item);
    if (other !== undefined) faults.push(`doubled: ${item} was taken by ${other} and by ${by}`);
    taken.set(item, by);
  };
  for (const said of histories) {
    const last = said.at(-1);
    if (last?.what === 'taking' || (last !== undefined && silent.has(last.worker.language))) takesInDoubt++;
    for (const { what, words, worker } of said) {
      const [item = ''] = words;
      if (what === 'putting') maybePut.add(item);
      else if (what === 'put') put.add(item);
      else if (what === 'took' && item !== NOTHING) take(item, worker.name);
    }
  }
  const rounds = taken.size;
  for (const item of left) take(item, 'nobody, at the end');
  for (const [item, by] of taken) if (!maybePut.has(item)) faults.push(`${by} took ${item}, which nobody has put`);
  const missing = [...put].filter((item) => !taken.has(item));
  if (missing.length > takesInDoubt) {
    faults.push(`lost: ${missing.length} items, such as ${missing[0]}, with ${takesInDoubt} takers in doubt`);
  }
  return { rounds, faults };
}
