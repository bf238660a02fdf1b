/** The clients of a run: processes in three languages, some of which are killed and replaced. */

import { setTimeout as pause } from 'node:timers/promises';
import { RandomStream } from '@headkeeper/testkit';
import type { Language } from '../peers/line-process.ts';
import type { Arena } from './arena.ts';
import { ChaosClient } from './client.ts';
import { type ClientEvent, ClientProcess } from './client-process.ts';
import type { HistoryFile } from './history.ts';
import type { Workload } from './workloads/workload.ts';

/** Within what servers with our tick grant, and longer than most faults last. */
export const SESSION_MS = 8_000;
const LANGUAGES: readonly Language[] = ['typescript', 'python', 'java', 'typescript', 'python'];

export class Crew {
  kills = 0;
  /** Everyone who ever took part. */
  readonly clients: ChaosClient[] = [];
  readonly #arena: Arena;
  readonly #history: HistoryFile;
  readonly #workloads: readonly Workload[];
  readonly #paceMs: number;
  readonly #seed: number;
  readonly #deaths: RandomStream;
  readonly #living: Map<number, ChaosClient> = new Map();
  readonly #loops: Promise<void>[] = [];
  readonly #faults: string[] = [];
  #lives = 0;
  #stopping = false;

  constructor(arena: Arena, history: HistoryFile, workloads: readonly Workload[], paceMs: number, seed: number) {
    this.#arena = arena;
    this.#history = history;
    this.#workloads = workloads;
    this.#paceMs = paceMs;
    this.#seed = seed;
    this.#deaths = new RandomStream(seed, 'deaths of clients');
  }

  /** A client of no workload. */
  judge(): Promise<ChaosClient> {
    return this.#make('judge', 'typescript');
  }

  /** Starts every client; returns when all have sessions and loops. */
  async start(): Promise<void> {
    await Promise.all(LANGUAGES.map((_, place) => this.#fill(place)));
  }

  /** kill -9 of one client, and another in its place. */
  async killOne(): Promise<string> {
    const place = this.#deaths.below(LANGUAGES.length);
    const client = this.#living.get(place) as ChaosClient;
    this.kills++;
    await client.kill();
    await this.#fill(place);
    return client.name;
  }

  /** No further rounds; returns when all are over. */
  async rest(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#living.values()].map((client) => client.end()));
  }

  faults(): string[] {
    const dead = this.clients.filter(({ ended, toldToEnd }) => ended && !toldToEnd);
    return [
      ...this.#faults,
      ...dead.map(({ name, errors }) => `${name} has ended by itself: ${errors}`),
      ...this.clients.flatMap((client) => client.faults),
    ];
  }

  async #fill(place: number): Promise<void> {
    const language = LANGUAGES[place] as Language;
    const client = await this.#make(`${language}-${place}.${++this.#lives}`, language);
    this.#living.set(place, client);
    for (const workload of this.#workloads) {
      for (let loop = 0; loop < workload.loops; loop++) this.#loops.push(this.#repeat(client, workload, loop));
    }
  }

  async #make(name: string, language: Language): Promise<ChaosClient> {
    const early: ClientEvent[] = [];
    let heard = (event: ClientEvent): unknown => early.push(event);
    const connectString = this.#arena.connectString(new RandomStream(this.#seed, `${name} connects`));
    const options = {
      name,
      language,
      connectString,
      sessionMs: SESSION_MS,
      heard: (event: ClientEvent) => heard(event),
    };
    const client = new ChaosClient(await ClientProcess.start(options), this.#history, SESSION_MS);
    heard = (event) => client.heard(event);
    for (const event of early) client.heard(event);
    this.clients.push(client);
    return client;
  }

  async #repeat(client: ChaosClient, workload: Workload, loop: number): Promise<void> {
    const random = new RandomStream(this.#seed, `${client.name} ${workload.name} ${loop}`);
    while (!this.#stopping && !client.ended) {
      try {
        await workload.step(client, random);
      } catch (error) {
        this.#faults.push(`${workload.name}, ${client.name}: ${error instanceof Error ? error.stack : String(error)}`);
        return;
      }
      await pause(random.below(2 * this.#paceMs));
    }
  }
}
