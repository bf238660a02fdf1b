/** Clients add 1 to a number, on the condition that nobody has changed it since they read it: no addition is lost. */

import type { ChaosClient } from '../client.ts';
import { answered, ensure, type Workload } from './workload.ts';

export class CounterWorkload implements Workload {
  readonly name = 'counter';
  readonly loops = 1;
  readonly #path: string;
  readonly #values: Set<number> = new Set();
  readonly #faults: string[] = [];
  #unknown = 0;

  constructor(root: string) {
    this.#path = `${root}/counter`;
  }

  async prepare(client: ChaosClient): Promise<void> {
    await ensure(client, this.#path, '0');
  }

  async step(client: ChaosClient): Promise<void> {
    await client.whole(`counter:${this.#path}`, 'add', { by: 1 }, async () => {
      const { out, data, version } = await client.read(this.#path);
      if (out !== 'ok' || data === undefined || version === undefined) return { outcome: 'never' };
      const value = Number(data) + 1;
      const written = await client.set(this.#path, String(value), version);
      if (written.out === 'unknown') this.#unknown++;
      if (written.out !== 'ok') return { outcome: written.out === 'unknown' ? 'unknown' : 'never' };
      if (this.#values.has(value)) this.#faults.push(`${this.#path} was made ${value} twice`);
      this.#values.add(value);
      return { outcome: 'ok', out: { value } };
    });
  }

  async judge(client: ChaosClient): Promise<string[]> {
    const { data, version } = await answered(client, () => client.current(this.#path));
    const value = Number(data);
    const known = this.#values.size;
    const faults = [...this.#faults];
    if (version !== value) faults.push(`${this.#path} is ${value}, and its version is ${version}`);
    if (value < known) faults.push(`lost: ${this.#path} is ${value} after ${known} additions`);
    if (value > known + this.#unknown)
      faults.push(`${this.#path} is ${value} after ${known} additions and ${this.#unknown} in doubt`);
    return faults;
  }

  async plant(client: ChaosClient): Promise<void> {
    await client.set(this.#path, '0', -1);
  }

  told(): string {
    return `${this.#values.size} additions, ${this.#unknown} in doubt`;
  }
}
