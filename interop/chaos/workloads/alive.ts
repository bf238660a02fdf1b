/** Each session has an ephemeral, which is there for as long as the session lives, and goes with it. */

import { setTimeout as pause } from 'node:timers/promises';
import type { ChaosClient } from '../client.ts';
import { answered, ensure, namesIn, type Workload } from './workload.ts';

const LOOK_EVERY_MS = 50;

export class AliveWorkload implements Workload {
  readonly name = 'sessions';
  readonly loops = 1;
  readonly #path: string;
  /** Sessions whose ephemeral is there for certain. */
  readonly #made: Set<string> = new Set();
  readonly #clients: Set<ChaosClient> = new Set();
  readonly #faults: string[] = [];

  constructor(root: string) {
    this.#path = `${root}/alive`;
  }

  async prepare(client: ChaosClient): Promise<void> {
    await ensure(client, this.#path);
  }

  async step(client: ChaosClient): Promise<void> {
    this.#clients.add(client);
    const { session } = client;
    const path = `${this.#path}/${session}`;
    if (!this.#made.has(session)) {
      const { out, session: madeIn } = await client.create(path, client.name, 1);
      if (madeIn === session && (out === 'ok' || out === 'nodeExists')) this.#made.add(session);
      return;
    }
    const { out, session: readIn, owner } = await client.read(path);
    if (readIn === session && out === 'ok' && owner !== session) this.#faults.push(`${path} belongs to ${owner}`);
  }

  async judge(client: ChaosClient, patienceMs: number): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    const faults = [...this.#faults];
    for (;;) {
      const present = new Set(await namesIn(client, this.#path));
      const living = new Set([...this.#clients].filter(({ ended }) => !ended).map(({ session }) => session));
      const ghosts: string[] = [];
      for (const name of present) {
        const { owner, out } = await answered(client, () => client.current(`${this.#path}/${name}`));
        if (out === 'ok' && owner !== name) faults.push(`${this.#path}/${name} belongs to ${owner}`);
        if (!living.has(name)) ghosts.push(name);
      }
      const lost = [...living].filter((session) => this.#made.has(session) && !present.has(session));
      if (ghosts.length === 0 && lost.length === 0) return faults;
      if (performance.now() > deadline) {
        faults.push(...ghosts.map((name) => `${this.#path}/${name} outlives its session`));
        faults.push(...lost.map((name) => `${this.#path}/${name} is lost, and its session lives`));
        return faults;
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async plant(client: ChaosClient): Promise<void> {
    const living = [...this.#clients].find(({ ended, session }) => !ended && this.#made.has(session)) as ChaosClient;
    await client.delete(`${this.#path}/${living.session}`, -1);
  }

  told(): string {
    return `${this.#made.size} sessions with ephemerals`;
  }
}
