/**
 * Who is there, as everybody sees it: instances of a service (ServiceDiscovery, Curator's x-discovery), and parties
 * (GroupMembership in kazoo's layouts, kazoo's Party and ShallowParty).
 *
 * Processes come and go by turns. After each change everybody has to see the same members, each with what it said of
 * itself, and nobody may see one that was never there. One that was killed has to go with its session.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Language } from '../peers/line-process.ts';
import type { Crew } from './crew.ts';
import type { Scenario, ScenarioOptions, Verdict } from './scenario.ts';
import type { Worker } from './worker.ts';

type MembersKind = 'service' | 'party' | 'shallow';

interface Kind {
  readonly partners: readonly Language[];
  /** What others have to see of a member. */
  readonly word: (name: string) => string;
}

const KINDS: Readonly<Record<MembersKind, Kind>> = {
  service: {
    partners: ['typescript', 'java'],
    word: (name) => `${name}|https://${name}.test:8000|8443|payload-${name}|true`,
  },
  party: { partners: ['typescript', 'python'], word: (name) => name },
  shallow: { partners: ['typescript', 'python'], word: (name) => name },
};

interface Wanted {
  /** What everybody has to see, in the order of the words. */
  readonly members: readonly string[];
  readonly everThere: ReadonlySet<string>;
  /** For the report. */
  readonly change: string;
  readonly patienceMs: number;
}

/** Until everybody sees a change; longer than a session of the dead lasts. */
const PATIENCE_MS = 15_000;
const BROKEN_PATIENCE_MS = 300;
const LOOK_EVERY_MS = 10;
/** Changes while something is planted. */
const BROKEN_ROUNDS = 2;

export function membersScenario(kind: MembersKind, name: string, share: number): Scenario {
  return {
    name,
    share,
    run: (crew, options) => comeAndGo(crew, kind, options, null),
    // One of them only says that it has come.
    runBroken: (crew) => comeAndGo(crew, kind, { rounds: BROKEN_ROUNDS, kills: 0 }, crew.workers[0] as Worker),
  };
}

async function comeAndGo(
  crew: Crew,
  kind: MembersKind,
  { rounds, kills }: ScenarioOptions,
  broken: Worker | null,
): Promise<Verdict> {
  const { partners, word } = KINDS[kind];
  const path = `/${kind}-${crew.client.uniqueId()}`;
  // Not a container, which kazoo does not expect to be gone.
  await crew.client.create(path);
  const present = new Map<Worker, string>();
  const everThere = new Set<string>();
  const faults: string[] = [];
  const patienceMs = broken === null ? PATIENCE_MS : BROKEN_PATIENCE_MS;
  const partnersNow = (): Worker[] => crew.workers.filter(({ language }) => partners.includes(language));
  const seen = (change: string): Promise<string[]> => {
    const members = [...present.values()].map(word).sort();
    return look(partnersNow(), `look ${kind} ${path}`, { members, everThere, change, patienceMs });
  };
  const killed = crew.kills;
  let made = 0;
  for (; made < rounds || crew.kills - killed < kills; made++) {
    const candidates = partnersNow();
    const worker = candidates[made % candidates.length] as Worker;
    const name = present.get(worker);
    if (name === undefined) {
      const fresh = `m${made}`;
      everThere.add(word(fresh));
      await ask(worker, worker === broken ? 'join-broken' : `join ${kind} ${path} ${fresh}`, 'joined');
      present.set(worker, fresh);
      faults.push(...(await seen(`${worker.name} came as ${fresh}`)));
    } else {
      present.delete(worker);
      const isKilled = crew.kills - killed < kills && made >= ((crew.kills - killed + 0.5) * rounds) / kills;
      if (isKilled) await crew.replace(worker);
      else await ask(worker, 'part', 'parted');
      faults.push(...(await seen(`${worker.name}, ${name}, ${isKilled ? 'was killed' : 'went'}`)));
    }
  }
  for (const worker of present.keys()) if (worker !== broken) await ask(worker, 'part', 'parted');
  return { rounds: made, faults };
}

/** Asks everybody until all see what they have to; what they see otherwise. */
async function look(watchers: readonly Worker[], command: string, wanted: Wanted): Promise<string[]> {
  const deadline = performance.now() + wanted.patienceMs;
  const faults = await Promise.all(
    watchers.map(async (worker) => {
      for (;;) {
        const saw = await ask(worker, command, 'sees');
        const stranger = saw.find((one) => !wanted.everThere.has(one));
        if (stranger !== undefined) return `${worker.name} sees ${stranger}, which was never there`;
        if (saw.join(' ') === wanted.members.join(' ')) return null;
        if (performance.now() > deadline) {
          return `after ${wanted.change}: ${worker.name} sees '${saw.join(' ')}' and not '${wanted.members.join(' ')}'`;
        }
        await pause(LOOK_EVERY_MS);
      }
    }),
  );
  return faults.filter((fault) => fault !== null);
}

async function ask(worker: Worker, command: string, answer: string): Promise<readonly string[]> {
  const from = worker.said.length;
  worker.send(command);
  const { words } = await worker.hears(answer, from);
  return words.filter((one) => one !== '');
}
