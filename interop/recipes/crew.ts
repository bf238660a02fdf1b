/** The processes of a contention run, each replaced when it is killed, and a client of our own to look at the znodes. */

import { type Client, connect } from '@headkeeper/client';
import { until } from '../ensemble/waiting.ts';
import type { Language } from '../peers/line-process.ts';
import { type Said, Worker } from './worker.ts';

export class Crew {
  readonly client: Client;
  /** Who is there now. */
  readonly workers: Worker[] = [];
  /** Told of everything that is said. */
  heard: (said: Said) => void = () => {};
  /** Processes killed. */
  kills = 0;
  /** What no scenario may see: sessions that were lost without a kill, commands that failed. */
  readonly mishaps: string[] = [];
  readonly #address: string;
  readonly #sessionTimeoutMs: number;

  private constructor(client: Client, address: string, sessionTimeoutMs: number) {
    this.client = client;
    this.#address = address;
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  static async start(address: string, sessionTimeoutMs: number, languages: readonly Language[]): Promise<Crew> {
    const client = await connect(address, { sessionTimeoutMs: 30_000 });
    const crew = new Crew(client, address, sessionTimeoutMs);
    crew.workers.push(...(await Promise.all(languages.map((language) => crew.#start(language)))));
    return crew;
  }

  /** Kills a process at once and starts one of the same language, which is not told what to do. */
  async replace(worker: Worker): Promise<Worker> {
    const at = this.workers.indexOf(worker);
    if (at < 0) throw new Error(`${worker.name} is not there any more`);
    this.kills++;
    const fresh = this.#start(worker.language);
    await worker.kill();
    this.workers[at] = await fresh;
    return this.workers[at] as Worker;
  }

  /** Waits until the servers have given up the session of a dead process, as far as its znodes below a path show. */
  async untilForgotten(worker: Worker, path: string): Promise<void> {
    await until(`the session of ${worker.name} to expire`, 30_000, async () => {
      return !(await this.owners(path)).has(worker.session);
    });
  }

  /** Sessions that have znodes right below a path, each with the lowest name. */
  async owners(path: string): Promise<Map<bigint, string>> {
    const { children } = await this.client.getChildren(path);
    const owners = new Map<bigint, string>();
    for (const name of [...children].sort()) {
      const owner = (await this.client.exists(`${path}/${name}`))?.ephemeralOwner ?? 0n;
      if (owner !== 0n && !owners.has(owner)) owners.set(owner, name);
    }
    return owners;
  }

  async end(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.end()));
    await this.client.close();
  }

  #start(language: Language): Promise<Worker> {
    const heard = (said: Said): void => {
      if ((said.what === 'failed' || said.what === 'lost') && !said.worker.isKilled) {
        this.mishaps.push(`${said.worker.name} ${said.what} ${said.words.join(' ')}`);
      }
      this.heard(said);
    };
    return Worker.start({ language, address: this.#address, sessionTimeoutMs: this.#sessionTimeoutMs, heard });
  }
}
