/** Clients put items and take them, lowest first: each is taken once, and none is lost. */

import type { RandomStream } from '@headkeeper/testkit';
import type { ChaosClient } from '../client.ts';
import { answered, ensure, namesIn, type Workload } from './workload.ts';

/** Takers choose among so many: the lowest alone would make them wait for each other. */
const NEAREST = 4;
const DIGITS = 10;

export class QueueWorkload implements Workload {
  readonly name = 'queue';
  readonly loops = 1;
  readonly #path: string;
  readonly #put: Set<string> = new Set();
  /** Their puts have no answer. */
  readonly #putInDoubt: Set<string> = new Set();
  readonly #taken: Set<string> = new Set();
  readonly #takenInDoubt: Set<string> = new Set();
  readonly #faults: string[] = [];

  constructor(root: string) {
    this.#path = `${root}/queue`;
  }

  async prepare(client: ChaosClient): Promise<void> {
    await ensure(client, this.#path);
  }

  async step(client: ChaosClient, random: RandomStream): Promise<void> {
    // A little more often taken than put, so that it is empty at times.
    if (random.below(100) < 47) await this.#putOne(client);
    else await this.#takeOne(client, random);
  }

  async #putOne(client: ChaosClient): Promise<void> {
    const value = client.fresh();
    await client.whole(`queue:${this.#path}`, 'put', { value }, async () => {
      const { out } = await client.create(`${this.#path}/q-`, value, 2);
      if (out === 'ok') this.#put.add(value);
      else if (out === 'unknown') this.#putInDoubt.add(value);
      return { outcome: out === 'ok' || out === 'unknown' ? out : 'never' };
    });
  }

  async #takeOne(client: ChaosClient, random: RandomStream): Promise<void> {
    const { children = [] } = await client.children(this.#path);
    const near = [...children].sort((a, b) => orderOf(a) - orderOf(b)).slice(0, NEAREST);
    const name = near[random.below(near.length)];
    if (name === undefined) return;
    const path = `${this.#path}/${name}`;
    const { data } = await client.read(path);
    if (data === undefined) return;
    const { out } = await client.delete(path, 0);
    if (out === 'unknown') this.#takenInDoubt.add(data);
    if (out !== 'ok') return;
    if (this.#taken.has(data)) this.#faults.push(`${path}, ${data}, was taken twice`);
    this.#taken.add(data);
  }

  async judge(client: ChaosClient): Promise<string[]> {
    const faults = [...this.#faults];
    const left = new Set<string>();
    for (const name of await namesIn(client, this.#path)) {
      const { data = '' } = await answered(client, () => client.current(`${this.#path}/${name}`));
      if (left.has(data)) faults.push(`${data} is twice in ${this.#path}`);
      left.add(data);
      if (this.#taken.has(data)) faults.push(`${data} was taken and is still in ${this.#path}`);
      if (!this.#put.has(data) && !this.#putInDoubt.has(data)) faults.push(`${data}: nobody put it into ${this.#path}`);
    }
    for (const item of this.#put) {
      if (left.has(item) || this.#taken.has(item) || this.#takenInDoubt.has(item)) continue;
      faults.push(`lost: ${item} was put into ${this.#path}, not taken, and is not there`);
    }
    for (const item of this.#taken) {
      if (!this.#put.has(item) && !this.#putInDoubt.has(item)) faults.push(`${item} was taken, and nobody put it`);
    }
    return faults;
  }

  async plant(client: ChaosClient): Promise<void> {
    const [taken] = this.#taken as Iterable<string>;
    await client.create(`${this.#path}/q-`, String(taken), 2);
  }

  told(): string {
    return `${this.#put.size} items put, ${this.#taken.size} taken`;
  }
}

/** The number at the end of a sequential znode's name. */
export function orderOf(name: string): number {
  return Number(name.slice(-DIGITS));
}
