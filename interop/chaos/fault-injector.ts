/** One fault after the other, each begun while all servers serve. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Member } from '../ensemble/member.ts';
import type { Arena } from './arena.ts';
import { type Fault, LONGEST_FAULT_MS } from './faults.ts';

export class FaultInjector {
  /** How often each fault was. */
  readonly counts: Map<string, number>;
  readonly #faults: readonly Fault[];
  readonly #told: (line: string) => void;
  /** Faults in an order of chance, all of them before one comes again. */
  #coming: Fault[] = [];
  #stopping = false;

  constructor(faults: readonly Fault[], counts: Map<string, number>, told: (line: string) => void) {
    this.#faults = faults;
    this.counts = counts;
    this.#told = told;
  }

  /** Runs until `stop`; all servers serve again when it returns. Throws when one ends of which nobody asked it. */
  async run(arena: Arena): Promise<void> {
    this.#stopping = false;
    while (!this.#stopping) {
      const leader = await arena.ensemble.waitUntilWhole();
      await pause(200 + Math.random() * 600);
      const fault = this.#next();
      const member = Math.random() < 0.5 ? leader : (pick(arena.ensemble.members) as Member);
      const more = await fault.begin(arena, member);
      const role = member === leader ? ', the leader,' : '';
      this.#told(`server ${member.sid}${role} ${fault.name}${typeof more === 'string' ? `: ${more}` : ''}`);
      this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
      await pause(Math.random() * LONGEST_FAULT_MS);
      await fault.end(arena, member);
    }
    await arena.ensemble.waitUntilWhole();
  }

  stop(): void {
    this.#stopping = true;
  }

  #next(): Fault {
    if (this.#coming.length === 0) this.#coming = shuffled(this.#faults);
    return this.#coming.pop() as Fault;
  }
}

function pick<T>(all: readonly T[]): T | undefined {
  return all[Math.floor(Math.random() * all.length)];
}

function shuffled<T>(all: readonly T[]): T[] {
  return all
    .map((one) => [Math.random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}
