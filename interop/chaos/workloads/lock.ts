/**
 * Clients stand in line for a lock, by ephemerals with numbers. Who has it writes with its fencing token, the zxid of its znode,
 * to a resource outside, which refuses tokens lower than the highest it has seen.
 *
 * From the answer that showed a client first in line until it sends the last write that a server carried out for its session, the
 * lock is certainly its own: a write shows that the session lives, and nobody else has removed the znode. No two of these times
 * may overlap, and tokens have to grow from one to the next.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { RandomStream } from '@headkeeper/testkit';
import type { ChaosClient } from '../client.ts';
import { orderOf } from './queue.ts';
import { answered, ensure, type Workload } from './workload.ts';

interface Tenure {
  readonly client: string;
  readonly token: number;
  /** The request whose answer showed that it has the lock, and that answer. */
  readonly asked: number;
  readonly from: number;
  /** When the last write was sent that was carried out in its session. */
  until: number;
}

interface Place {
  readonly name: string;
  readonly token: number;
  readonly session: string;
}

const HOLD_MS = 40;
const TRIES = 40;

export class LockWorkload implements Workload {
  readonly name = 'lock';
  readonly loops = 1;
  readonly #path: string;
  readonly #guarded: string;
  readonly #tenures: Tenure[] = [];
  #highest = 0;
  #fenced = 0;

  constructor(root: string) {
    this.#path = `${root}/lock`;
    this.#guarded = `${root}/guarded`;
  }

  async prepare(client: ChaosClient): Promise<void> {
    await ensure(client, this.#path);
    await ensure(client, this.#guarded);
  }

  async step(client: ChaosClient, random: RandomStream): Promise<void> {
    const mine = await this.#stand(client);
    if (mine === null) return;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const { out, children = [], call, ret } = await client.children(this.#path);
      const line = [...children].sort((a, b) => orderOf(a) - orderOf(b));
      if (out === 'ok' && !line.includes(mine.name)) return;
      if (out === 'ok' && line[0] === mine.name) {
        const tenure = { client: client.name, token: mine.token, asked: call, from: ret, until: ret };
        await this.#hold(client, random, mine.session, tenure);
        break;
      }
      await pause(random.between(20, 80));
    }
    // Whether it goes by this or with its session, it goes.
    await client.delete(`${this.#path}/${mine.name}`, -1);
  }

  /** Joins the line; null when that is in doubt, or was never. */
  async #stand(client: ChaosClient): Promise<Place | null> {
    const prefix = `${client.fresh()}-`;
    const { out, path, czxid, session } = await client.create(`${this.#path}/${prefix}`, prefix, 3);
    if (out === 'ok' && path !== undefined && czxid !== undefined)
      return { name: path.slice(path.lastIndexOf('/') + 1), token: czxid, session };
    if (out !== 'unknown') return null;
    // It may be there all the same, and would stand in the way for as long as the session lives.
    for (;;) {
      if (client.ended) return null;
      const { out: listed, children = [] } = await client.children(this.#path);
      if (listed !== 'ok') {
        await pause(50);
        continue;
      }
      const name = children.find((child) => child.startsWith(prefix));
      if (name !== undefined) await client.delete(`${this.#path}/${name}`, -1);
      return null;
    }
  }

  async #hold(client: ChaosClient, random: RandomStream, session: string, tenure: Tenure): Promise<void> {
    this.#tenures.push(tenure);
    // The resource outside: it knows nothing but tokens.
    if (tenure.token < this.#highest) this.#fenced++;
    this.#highest = Math.max(this.#highest, tenure.token);
    for (let writes = 0; writes < 2; writes++) {
      await pause(random.below(HOLD_MS));
      const { out, call, session: wroteIn } = await client.set(this.#guarded, String(tenure.token), -1);
      if (out !== 'ok' || wroteIn !== session) return;
      tenure.until = Math.max(tenure.until, call);
    }
  }

  judge(client: ChaosClient): Promise<string[]> {
    const faults: string[] = [];
    const sorted = [...this.#tenures].sort((a, b) => a.from - b.from);
    for (const [index, tenure] of sorted.entries()) {
      const next = sorted[index + 1];
      if (next === undefined) break;
      if (next.from < tenure.until)
        faults.push(
          `${next.client} has ${this.#path} while ${tenure.client} has it: ${textOf(tenure)}, ${textOf(next)}`,
        );
      if (tenure.from < next.asked && next.token <= tenure.token)
        faults.push(`tokens of ${this.#path} do not grow: ${textOf(tenure)}, then ${textOf(next)}`);
    }
    return answered(client, () => client.current(this.#guarded)).then(() => faults);
  }

  async plant(client: ChaosClient): Promise<void> {
    const held = this.#tenures.find(({ from, until }) => until > from + 1) as Tenure;
    this.#tenures.push({ ...held, client: client.name, token: held.token + 1, asked: held.from, from: held.from + 1 });
  }

  told(): string {
    return `the lock was had ${this.#tenures.length} times, ${this.#fenced} fenced off`;
  }
}

function textOf({ client, token, from, until }: Tenure): string {
  return `${client} with 0x${token.toString(16)} from ${from} to ${until} us`;
}
