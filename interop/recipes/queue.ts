/**
 * One queue: SimpleQueue, Curator's SimpleDistributedQueue, kazoo's Queue with the names of the others. And one with
 * Curator's encoding of items: DistributedQueue, ours and Curator's; the same with names by which items are removed
 * (IdQueue, DistributedIdQueue) and with times before which nobody may take them (DelayQueue, DistributedDelayQueue). And
 * kazoo's own Queue and LockingQueue, as they are.
 *
 * While connections last, each of them hands an item out exactly once. After a lost connection Curator and kazoo may
 * put an item twice, or lose one that they take; ours does neither. A process that is killed may have put one item more
 * than it said, and may take one with it; Curator's DistributedQueue, which says nothing before it takes, may do so
 * when it is closed, too. Where items are locked, only one whose removal was under way may be gone with its taker.
 */

import { DelayQueue, DistributedQueue, IdQueue, SimpleQueue } from '@headkeeper/recipes';
import { until } from '../ensemble/waiting.ts';
import type { Language } from '../peers/line-process.ts';
import type { Crew } from './crew.ts';
import type { Scenario, ScenarioOptions, Verdict } from './scenario.ts';
import { work } from './shared-work.ts';
import type { Said, Worker } from './worker.ts';

const NOTHING = 'nothing';
const IDLE = 'idle';

export const queueScenario: Scenario = exchangeScenario('queue', 0.07, {
  commands: { typescript: 'exchange', java: 'exchange', python: 'exchange' },
  open: (client, path) => new SimpleQueue(client, path),
});

export const itemQueueScenario: Scenario = exchangeScenario('queue of items', 0.05, {
  commands: { typescript: 'exchange-items', java: 'exchange-items', python: IDLE },
  open: (client, path) => new DistributedQueue(client, path),
  silent: ['java'],
});

export const namedQueueScenario: Scenario = exchangeScenario('queue with names', 0.04, {
  commands: { typescript: 'exchange-names', java: 'exchange-names', python: IDLE },
  open: (client, path) => new IdQueue(client, path),
  silent: ['java'],
});

export const timedQueueScenario: Scenario = exchangeScenario('queue with times', 0.04, {
  commands: { typescript: 'exchange-times', java: 'exchange-times', python: IDLE },
  // At the end everything is due.
  open: (client, path) => new DelayQueue(client, path, { clock: () => Number.MAX_SAFE_INTEGER }),
  silent: ['java'],
});

export const kazooQueueScenario: Scenario = exchangeScenario("queue (kazoo's own)", 0.04, {
  commands: { typescript: 'exchange-kazoo', java: IDLE, python: 'exchange-kazoo' },
  open: (client, path) => new SimpleQueue(client, path, { layout: 'kazoo' }),
});

export const lockingQueueScenario: Scenario = exchangeScenario("queue (kazoo's own, locking)", 0.04, {
  commands: { typescript: 'exchange-locking', java: IDLE, python: 'exchange-locking' },
  open: (client, path) => new SimpleQueue(client, path, { layout: 'kazoo locking' }),
  locks: 'taken',
});

interface Kind {
  readonly commands: Readonly<Record<Language, string>>;
  readonly open: (client: Crew['client'], path: string) => Opened;
  /** Languages whose takers say nothing before they take; none unless given. */
  readonly silent?: readonly Language[];
  /** The directory where takers lock an item, so that one that is killed before it removes the item takes nothing with it. */
  readonly locks?: string;
}

type Opened = Pick<SimpleQueue | DistributedQueue | IdQueue | DelayQueue, 'poll' | typeof Symbol.asyncDispose>;

function exchangeScenario(name: string, share: number, kind: Kind): Scenario {
  return {
    name,
    share,
    run: (crew, options) => exchange(crew, kind, options, null),
    // One of them takes what others take, or before its time.
    runBroken: (crew) => exchange(crew, kind, { rounds: 60, kills: 0 }, crew.workers[0] as Worker),
  };
}

async function exchange(crew: Crew, kind: Kind, options: ScenarioOptions, broken: Worker | null): Promise<Verdict> {
  const path = `/queue-${crew.client.uniqueId()}`;
  // Not a container, which kazoo does not expect to be gone.
  await crew.client.create(path);
  const histories = await work(crew, options, {
    command: (worker) => `${kind.commands[worker.language]}${worker === broken ? '-broken' : ''} ${path}`,
    takesPart: ({ language }) => kind.commands[language] !== IDLE,
    begins: new Set(['putting', 'taking', 'has', 'removing']),
    isRound: ({ what, words }) => what === 'took' && words[0] !== NOTHING,
  });
  await crew.client.sync(path);
  const { locks } = kind;
  if (locks !== undefined) {
    await until('the locks of the dead to go', 30_000, async () => {
      return (await crew.client.getChildren(`${path}/${locks}`)).children.length === 0;
    });
  }
  const left: string[] = [];
  await using queue = kind.open(crew.client, path);
  for (let item = await queue.poll(); item !== null; item = await queue.poll()) {
    left.push(new TextDecoder().decode(item.data));
    await item.done();
  }
  return judgeItems(histories, left, kind);
}

function judgeItems(
  histories: readonly (readonly Said[])[],
  left: readonly string[],
  { silent = [], locks }: Kind,
): Verdict {
  const faults: string[] = [];
  const put = new Set<string>();
  const maybePut = new Set<string>();
  const taken = new Map<string, string>();
  let takesInDoubt = 0;
  const inDoubt = new Set(locks === undefined ? ['taking', 'removing'] : ['has']);
  const take = (item: string, by: string): void => {
    const other = taken.get(item);
    if (other !== undefined) faults.push(`doubled: ${item} was taken by ${other} and by ${by}`);
    taken.set(item, by);
  };
  for (const said of histories) {
    const last = said.at(-1);
    if (last !== undefined && (inDoubt.has(last.what) || silent.includes(last.worker.language))) takesInDoubt++;
    for (const { what, words, worker } of said) {
      const [item = '', takenAt] = words;
      if (what === 'putting') maybePut.add(item);
      else if (what === 'put') put.add(item);
      else if (what === 'took' && item !== NOTHING) {
        take(item, worker.name);
        const due = item.split('@')[1];
        if (due !== undefined && Number(takenAt) < Number(due)) {
          faults.push(`early: ${worker.name} took ${item}, ${Number(due) - Number(takenAt)} ms before its time`);
        }
      }
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
