/** Clients create, set, compare-and-set, delete and read the same few znodes; a search judges whether that is linearisable. */

import type { RandomStream } from '@headkeeper/testkit';
import { type Operation, withStaleRead } from '../../ensemble/history.ts';
import { judge } from '../../ensemble/linearizability.ts';
import type { ChaosClient } from '../client.ts';
import type { Answer } from '../client-process.ts';
import { ensure, type Workload } from './workload.ts';

/** Registers in use at a time, and operations until one is replaced: long histories are hard to judge. */
const LIVE = 3;
const OPERATIONS_EACH = 120;

const OUTCOMES: Readonly<Record<Answer['out'], Operation['outcome'] | null>> = {
  ok: 'ok',
  noNode: 'absent',
  nodeExists: 'exists',
  badVersion: 'version',
  unknown: 'unknown',
  notApplied: null,
};

export class RegisterWorkload implements Workload {
  readonly name = 'registers';
  readonly loops = 2;
  operations: Operation[] = [];
  readonly #root: string;
  readonly #file: string;
  readonly #uses: Map<string, number> = new Map();
  /** Versions as the clients last saw them. */
  readonly #versions: Map<string, number> = new Map();
  readonly #numbers: Map<string, number> = new Map();
  #made = 0;

  /** `file`: where the operations are put for the search. */
  constructor(root: string, file: string) {
    this.#root = `${root}/registers`;
    this.#file = file;
  }

  async prepare(client: ChaosClient): Promise<void> {
    await ensure(client, this.#root);
  }

  async step(client: ChaosClient, random: RandomStream): Promise<void> {
    const key = this.#key(random);
    const seen = `${client.name} ${key}`;
    const on = `register:${key}`;
    const data = client.fresh();
    const chance = random.below(100);
    if (chance < 45) {
      const answer = await client.current(key, on);
      if (answer.stale !== true && answer.out !== 'unknown') this.#record(client, 'read', key, '', -1, answer);
      if (answer.version !== undefined) this.#versions.set(seen, answer.version);
    } else if (chance < 70) {
      this.#record(client, 'set', key, data, -1, await client.set(key, data, -1, on));
    } else if (chance < 85) {
      const version = this.#versions.get(seen) ?? 0;
      this.#record(client, 'set', key, data, version, await client.set(key, data, version, on));
    } else if (chance < 96) {
      this.#record(client, 'create', key, data, -1, await client.create(key, data, 0, on));
    } else {
      this.#record(client, 'delete', key, '', -1, await client.delete(key, -1, on));
    }
  }

  async judge(): Promise<string[]> {
    const { fault } = await judge(this.operations, this.#file);
    return fault === null ? [] : [`of the registers' history ${fault}`];
  }

  async plant(): Promise<void> {
    this.operations = withStaleRead(this.operations);
  }

  told(): string {
    return `${this.operations.length} operations on ${this.#made} registers`;
  }

  #record(
    client: ChaosClient,
    op: Operation['op'],
    key: string,
    data: string,
    expected: number,
    { out, call, ret, version = 0, data: found = '' }: Answer,
  ): void {
    const outcome = OUTCOMES[out];
    if (outcome === null) return;
    const told = op === 'set' || op === 'read' ? version : 0;
    this.operations.push({
      ...{ client: this.#number(client), key, op, data, expected, call, return: ret, outcome },
      ...{ version: told, found: op === 'read' ? found : '', port: 0 },
    });
  }

  #number({ name }: ChaosClient): number {
    const known = this.#numbers.get(name) ?? this.#numbers.size;
    this.#numbers.set(name, known);
    return known;
  }

  #key(random: RandomStream): string {
    while (this.#uses.size < LIVE) this.#uses.set(`${this.#root}/${++this.#made}`, 0);
    const key = random.pick([...this.#uses.keys()]);
    const uses = (this.#uses.get(key) ?? 0) + 1;
    if (uses < OPERATIONS_EACH) this.#uses.set(key, uses);
    else this.#uses.delete(key);
    return key;
  }
}
