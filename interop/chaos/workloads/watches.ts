/**
 * Clients write a few znodes and watch them. A watch fires once; its event comes before its client sees the change; and in the
 * end every watch has fired whose znode has changed, or its client has been told that the watch is no more.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { RandomStream } from '@headkeeper/testkit';
import type { ChaosClient } from '../client.ts';
import { answered, ensure, type Workload } from './workload.ts';

interface Armed {
  readonly client: ChaosClient;
  readonly path: string;
  readonly session: string;
  /** The change that the watching read saw as the last one, once it is answered. */
  mzxid: number;
  fired: number;
  dropped: boolean;
}

const KEYS = 3;
const LOOK_EVERY_MS = 25;

export class WatchWorkload implements Workload {
  readonly name = 'watches';
  readonly loops = 1;
  readonly #paths: readonly string[];
  readonly #armed: Map<string, Armed> = new Map();
  readonly #faults: string[] = [];
  #fired = 0;

  constructor(root: string) {
    this.#paths = Array.from({ length: KEYS }, (_, number) => `${root}/watched-${number}`);
  }

  async prepare(client: ChaosClient): Promise<void> {
    for (const path of this.#paths) await ensure(client, path);
  }

  async step(client: ChaosClient, random: RandomStream): Promise<void> {
    const path = random.pick(this.#paths);
    if (random.below(5) === 0) {
      await client.set(path, client.fresh(), -1);
      return;
    }
    const key = `${client.name} ${path}`;
    const armed = this.#armed.get(key);
    if (armed === undefined || armed.fired > 0 || armed.dropped || armed.session !== client.session)
      await this.#arm(client, path);
    else await this.#look(client, path, armed);
  }

  async #arm(client: ChaosClient, path: string): Promise<void> {
    const armed: Armed = { client, path, session: client.session, mzxid: -1, fired: 0, dropped: false };
    const { out, mzxid, session } = await client.watch(path, (type) => {
      if (type === 'dropped') {
        armed.dropped = true;
        return;
      }
      armed.fired++;
      this.#fired++;
      if (armed.fired > 1) this.#faults.push(`${client.name}: a watch of ${path} has fired ${armed.fired} times`);
      if (type !== 'dataChanged') this.#faults.push(`${client.name}: ${path} is ${type}, which nobody did`);
    });
    // Armed in doubt, or in another session: nothing can be asked of it.
    if (out !== 'ok' || mzxid === undefined || session !== armed.session) return;
    armed.mzxid = mzxid;
    this.#armed.set(`${client.name} ${path}`, armed);
  }

  /** The news may not come before the event. kazoo tells both from threads of their own, in whatever order. */
  async #look(client: ChaosClient, path: string, armed: Armed): Promise<void> {
    const { out, mzxid, session } = await client.read(path);
    if (out !== 'ok' || mzxid === undefined || session !== armed.session || client.language === 'python') return;
    if (mzxid > armed.mzxid && armed.fired === 0 && !armed.dropped)
      this.#faults.push(`${client.name} sees ${path} changed at 0x${mzxid.toString(16)} before its watch has fired`);
  }

  async judge(client: ChaosClient, patienceMs: number): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    const last = new Map<string, number>();
    for (const path of this.#paths) {
      const { mzxid = 0 } = await answered(client, () => client.current(path));
      last.set(path, mzxid);
    }
    const owed = (): Armed[] =>
      [...this.#armed.values()].filter(({ client: owner, session, path, mzxid, fired, dropped }) => {
        return !owner.ended && owner.session === session && fired === 0 && !dropped && (last.get(path) ?? 0) > mzxid;
      });
    while (owed().length > 0 && performance.now() < deadline) await pause(LOOK_EVERY_MS);
    const missing = owed().map(({ client: owner, path, mzxid }) => {
      return `${owner.name} was never told that ${path} has changed after 0x${mzxid.toString(16)}`;
    });
    return [...this.#faults, ...missing];
  }

  async plant(client: ChaosClient): Promise<void> {
    const path = this.#paths[0] as string;
    this.#armed.set('planted', { client, path, session: client.session, mzxid: 1, fired: 0, dropped: false });
  }

  told(): string {
    return `${this.#fired} watches fired`;
  }
}
