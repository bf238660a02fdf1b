/** What the clients of a run do, each kind with its own judge. */

import { setTimeout as pause } from 'node:timers/promises';
import type { RandomStream } from '@headkeeper/testkit';
import type { ChaosClient } from '../client.ts';
import type { Answer } from '../client-process.ts';

export interface Workload {
  readonly name: string;
  /** How many loops of it each client runs. */
  readonly loops: number;
  /** Makes what it needs; once, before any step. */
  prepare(client: ChaosClient): Promise<void>;
  /** One round, by the choices of `random`. Returns early when the client has ended. */
  step(client: ChaosClient, random: RandomStream): Promise<void>;
  /** All is quiet and whole; `client` is the judge's own. What takes its time may take `patienceMs`. One sentence for each fault. */
  judge(client: ChaosClient, patienceMs: number): Promise<string[]>;
  /** Makes something wrong that the judge has to see. */
  plant(client: ChaosClient): Promise<void>;
  /** What it came to, in a few words. */
  told(): string;
}

/** Repeats a request until it is answered: for what may be done twice. */
export async function answered(client: ChaosClient, ask: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask();
    if (answer.out !== 'unknown' && answer.out !== 'notApplied' && answer.stale !== true) return answer;
    if (client.ended) throw new Error(`${client.name} has ended`);
    if (attempt === ATTEMPTS) throw new Error(`${client.name} gets no answer`);
    await pause(50);
  }
}

const ATTEMPTS = 600;

/** Creates a persistent znode unless it is there. */
export async function ensure(client: ChaosClient, path: string, data: string = '-'): Promise<void> {
  await answered(client, () => client.create(path, data, 0));
}

/** Names of the children, as of now. */
export async function namesIn(client: ChaosClient, path: string): Promise<readonly string[]> {
  const { out, children } = await answered(client, () => client.children(path));
  if (out !== 'ok' || children === undefined) throw new Error(`the children of ${path}: ${out}`);
  return children;
}
