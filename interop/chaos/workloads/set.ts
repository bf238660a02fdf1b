/** Clients add elements, each a znode, and remove some: what was answered is there in the end, and nothing else. */

import type { RandomStream } from '@headkeeper/testkit';
import type { ChaosClient } from '../client.ts';
import type { Answer } from '../client-process.ts';
import { ensure, namesIn, type Workload } from './workload.ts';

/** Of an element. What was not answered may have been done or not. */
type Fate = 'adding' | 'there' | 'removing' | 'gone' | 'never';

/** One in so many is removed again. */
const REMOVED_ONE_IN = 3;

const AFTER_ADD: Readonly<Record<Answer['out'], Fate>> = {
  ok: 'there',
  unknown: 'adding',
  notApplied: 'never',
  noNode: 'never',
  badVersion: 'never',
  nodeExists: 'never',
};

export class SetWorkload implements Workload {
  readonly name = 'set';
  readonly loops = 1;
  readonly #root: string;
  readonly #fates: Map<string, Fate> = new Map();
  readonly #faults: string[] = [];

  constructor(root: string) {
    this.#root = `${root}/set`;
  }

  async prepare(client: ChaosClient): Promise<void> {
    await ensure(client, this.#root);
  }

  async step(client: ChaosClient, random: RandomStream): Promise<void> {
    const element = client.fresh();
    const path = `${this.#root}/${element}`;
    this.#fates.set(element, 'adding');
    const { out } = await client.create(path, element, 0);
    this.#fates.set(element, AFTER_ADD[out]);
    if (out === 'nodeExists') {
      // Nobody else adds it: a library that repeated the request by itself would see this.
      this.#faults.push(`${path} was there before it was added`);
    }
    if (out !== 'ok' || random.below(REMOVED_ONE_IN) > 0) return;
    this.#fates.set(element, 'removing');
    const removed = await client.delete(path, -1);
    if (removed.out === 'noNode') this.#faults.push(`${path} was added, and gone when it was to be removed`);
    this.#fates.set(element, removed.out === 'ok' ? 'gone' : removed.out === 'notApplied' ? 'there' : 'removing');
  }

  async judge(client: ChaosClient): Promise<string[]> {
    const present = new Set(await namesIn(client, this.#root));
    const faults = [...this.#faults];
    for (const [element, fate] of this.#fates) {
      const isThere = present.delete(element);
      if (fate === 'there' && !isThere) faults.push(`lost: ${this.#root}/${element} was added and is not there`);
      if (fate === 'gone' && isThere) faults.push(`${this.#root}/${element} was removed and is there`);
      if (fate === 'never' && isThere) faults.push(`${this.#root}/${element} is there and was never sent`);
    }
    for (const element of present) faults.push(`${this.#root}/${element}: nobody asked for it`);
    return faults;
  }

  async plant(client: ChaosClient): Promise<void> {
    const [element] = [...this.#fates].find(([, fate]) => fate === 'there') as [string, Fate];
    await client.delete(`${this.#root}/${element}`, -1);
  }

  told(): string {
    return `${this.#fates.size} elements`;
  }
}
