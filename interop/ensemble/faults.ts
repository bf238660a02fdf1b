/** Faults of processes and of the network, one after the other, at random. */

import { setTimeout as pause } from 'node:timers/promises';
import { RandomStream } from '@headkeeper/testkit';
import type { Ensemble } from './ensemble.ts';
import type { Member } from './member.ts';

interface Fault {
  readonly name: string;
  begin(ensemble: Ensemble, member: Member): Promise<void> | void;
  end(ensemble: Ensemble, member: Member): Promise<void> | void;
}

const faults: readonly Fault[] = [
  {
    name: 'killed',
    begin: (_ensemble, member) => member.kill(),
    end: (_ensemble, member) => member.start(),
  },
  {
    name: 'paused',
    begin: (_ensemble, member) => member.pause(),
    end: (_ensemble, member) => member.resume(),
  },
  {
    name: 'cut off, silently',
    begin: (ensemble, member) => ensemble.mesh.isolate(member.sid),
    end: (ensemble) => ensemble.mesh.heal(false),
  },
  {
    name: 'cut off, its packets lost for good',
    begin: (ensemble, member) => ensemble.mesh.isolate(member.sid),
    end: (ensemble) => ensemble.mesh.heal(true),
  },
  {
    name: 'cut off, connections reset',
    begin: (ensemble, member) => ensemble.mesh.refuse(member.sid),
    end: (ensemble) => ensemble.mesh.heal(false),
  },
  {
    name: 'heard by nobody',
    begin: (ensemble, member) => ensemble.mesh.mute(member.sid),
    end: (ensemble) => ensemble.mesh.heal(true),
  },
  {
    name: 'hearing nobody',
    begin: (ensemble, member) => ensemble.mesh.deafen(member.sid),
    end: (ensemble) => ensemble.mesh.heal(true),
  },
  {
    name: 'not hearing one other',
    begin: (ensemble, member) => {
      const other = ensemble.sids.find((sid) => sid !== member.sid);
      if (other !== undefined) ensemble.mesh.hold(other, member.sid);
    },
    end: (ensemble) => ensemble.mesh.heal(false),
  },
];

export class FaultInjector {
  /** How often each fault was begun. */
  readonly counts: Map<string, number> = new Map();
  readonly #ensemble: Ensemble;
  readonly #longestMs: number;
  readonly #told: (line: string) => void;
  readonly #random: RandomStream;
  #turn: number;
  #over = 0;
  #stopping = false;

  /** `longestMs`: how long a fault lasts at most. */
  constructor(ensemble: Ensemble, longestMs: number, seed: number, told: (line: string) => void) {
    this.#ensemble = ensemble;
    this.#longestMs = longestMs;
    this.#told = told;
    this.#random = new RandomStream(seed, 'faults');
    this.#turn = this.#random.below(faults.length);
  }

  /** Runs until `stop`; all is well again when it returns. Every fault has its turn, every second time with the leader. */
  async run(): Promise<void> {
    while (!this.#stopping) {
      const leader = await this.#ensemble.waitUntilWhole();
      await pause(this.#random.between(200, 700));
      const fault = faults[this.#turn++ % faults.length] as Fault;
      const anyone = this.#random.pick(this.#ensemble.members);
      const member = this.#random.below(2) === 0 ? leader : anyone;
      const lasting = this.#random.below(this.#longestMs);
      this.#told(`${member.name}${member === leader ? ', the leader,' : ''} ${fault.name}, ${lasting} ms`);
      this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
      await fault.begin(this.#ensemble, member);
      await pause(lasting);
      await fault.end(this.#ensemble, member);
      this.#over++;
    }
    await this.#ensemble.waitUntilWhole();
  }

  /** Faults that have ended. */
  get over(): number {
    return this.#over;
  }

  stop(): void {
    this.#stopping = true;
  }
}
