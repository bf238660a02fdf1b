/** One fault after the other, each begun while all servers serve. */

import { setTimeout as pause } from 'node:timers/promises';
import { RandomStream } from '@headkeeper/testkit';
import type { Arena } from './arena.ts';
import { type Fault, LONGEST_FAULT_MS } from './faults.ts';

export class FaultInjector {
  /** How often each fault was. */
  readonly counts: Map<string, number>;
  readonly #faults: readonly Fault[];
  readonly #told: (line: string) => void;
  readonly #seed: number;
  readonly #order: RandomStream;
  #begun = 0;
  /** Faults in an order of chance, all of them before one comes again. */
  #coming: Fault[] = [];
  #stopping = false;

  constructor(faults: readonly Fault[], counts: Map<string, number>, seed: number, told: (line: string) => void) {
    this.#faults = faults;
    this.counts = counts;
    this.#told = told;
    this.#seed = seed;
    this.#order = new RandomStream(seed, 'order of faults');
  }

  /** Runs until `stop`; all servers serve again when it returns. Throws when one ends of which nobody asked it. */
  async run(arena: Arena): Promise<void> {
    this.#stopping = false;
    while (!this.#stopping) {
      const leader = await arena.ensemble.waitUntilWhole();
      // One for each, so that what one fault draws does not change the next.
      const random = new RandomStream(this.#seed, `fault ${++this.#begun}`);
      await pause(random.between(200, 800));
      const fault = this.#next();
      const lastingMs = random.below(LONGEST_FAULT_MS);
      const anyone = random.pick(arena.ensemble.members);
      const member = random.below(2) === 0 ? leader : anyone;
      const more = await fault.begin(arena, member, random);
      const role = member === leader ? ', the leader,' : '';
      this.#told(`server ${member.sid}${role} ${fault.name}${typeof more === 'string' ? `: ${more}` : ''}`);
      this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
      await pause(lastingMs);
      await fault.end(arena, member, random);
    }
    await arena.ensemble.waitUntilWhole();
  }

  stop(): void {
    this.#stopping = true;
  }

  #next(): Fault {
    if (this.#coming.length === 0) this.#coming = this.#order.shuffled(this.#faults);
    return this.#coming.pop() as Fault;
  }
}
