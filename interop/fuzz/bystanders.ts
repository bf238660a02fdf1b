/** Clients that only want to be left in peace: a watch, a lock and an ephemeral znode that must outlive everything. */

import { setTimeout as pause } from 'node:timers/promises';
import { type Acl, type Client, connect } from '@headkeeper/client';
import { type Held, Mutex } from '@headkeeper/recipes';

export const SUPER = 'super:fuzz';
/** Of `SUPER`, for the configuration. */
export const SUPER_DIGEST = 'super:PpJYQIh8CZiU7MLBLuTllgjebgA=';
const OWNER = 'bystander:alone';
const PRIVATE: readonly Acl[] = [{ perms: 31, scheme: 'auth', id: '' }];
const READ_ONLY: readonly Acl[] = [
  { perms: 31, scheme: 'auth', id: '' },
  { perms: 1, scheme: 'world', id: 'anyone' },
];
const OPEN: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const NO_CHILDREN: { readonly children: readonly string[] } = { children: [] };
const TOUCH_MS = 100;
const TIDY_MS = 1_000;
/** Children of a fuzzed znode beyond this are removed. */
const MOST_ZNODES = 2_000;

export class Bystanders {
  readonly #owner: Client;
  readonly #rival: Client;
  readonly #janitor: Client;
  readonly faults: string[] = [];
  readonly #stop: AbortController = new AbortController();
  #held: Held | null = null;
  #rivalHeld: Promise<Held> | null = null;
  #czxid = 0;
  #touched = 0;
  #seen = 0;
  #slowestMs = 0;
  #tasks: Promise<void>[] = [];

  private constructor(owner: Client, rival: Client, janitor: Client) {
    this.#owner = owner;
    this.#rival = rival;
    this.#janitor = janitor;
  }

  static async settle(address: string): Promise<Bystanders> {
    const auth = (credentials: string) => ({
      sessionTimeoutMs: 20_000,
      auth: [{ scheme: 'digest', auth: credentials }],
    });
    const [owner, rival, janitor] = await Promise.all([
      connect(address, auth(OWNER)),
      connect(address, auth(OWNER)),
      connect(address, auth(SUPER)),
    ]);
    const all = new Bystanders(owner, rival, janitor);
    await all.#begin();
    return all;
  }

  /** The longest that one of them has waited for an answer. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  get touched(): number {
    return this.#touched;
  }

  async #begin(): Promise<void> {
    const owner = this.#owner;
    for (const client of [owner, this.#rival, this.#janitor]) {
      client.onEvent((event) => {
        if (event.type !== 'connected') this.faults.push(`a bystander's client: ${event.type}`);
      });
    }
    await owner.create('/bystander', '', { acl: PRIVATE });
    await owner.create('/bystander/lock', '', { acl: PRIVATE });
    await owner.create('/bystander/watched', '0', { acl: PRIVATE });
    await owner.create('/bystander/ephemeral', 'mine', { mode: 'ephemeral', acl: PRIVATE });
    this.#czxid = (await owner.getData('/bystander/ephemeral')).stat.czxid;
    await this.#janitor.create('/fuzz', '', { acl: OPEN });
    await this.#janitor.setACL('/', [...READ_ONLY]);
    await owner.addWatch('/bystander', 'recursive', (event) => {
      if (event.type === 'dataChanged' && event.path === '/bystander/watched') this.#seen++;
      else if (event.type === 'gap' || event.path.includes('ephemeral')) {
        this.faults.push(`the watch saw ${event.type} of ${event.path}`);
      }
    });
    const lock = { acl: PRIVATE };
    this.#held = await new Mutex(owner, '/bystander/lock', lock).acquire();
    this.#held.signal.addEventListener('abort', () => this.faults.push('the lock was lost'));
    this.#rivalHeld = new Mutex(this.#rival, '/bystander/lock', lock).acquire();
    void this.#rivalHeld.then(() => {
      if (this.#held !== null) this.faults.push('two hold the lock');
    });
    this.#tasks = [this.#repeat(TOUCH_MS, () => this.#touch()), this.#repeat(TIDY_MS, () => this.#tidy())];
  }

  /** The last look: what is theirs is there, and the lock goes to who has waited. Returns what is wrong. */
  async judge(): Promise<readonly string[]> {
    this.#stop.abort();
    await Promise.all(this.#tasks);
    // Behind a read on the same connection there is no event that is still to come.
    const { stat } = await this.#owner.getData('/bystander/ephemeral');
    if (stat.czxid !== this.#czxid) this.faults.push('the ephemeral znode is another one');
    if (this.#seen !== this.#touched) this.faults.push(`the watch saw ${this.#seen} of ${this.#touched} changes`);
    const held = this.#held;
    this.#held = null;
    await held?.release();
    const rival = await Promise.race([this.#rivalHeld, pause(10_000, undefined, { ref: false })]);
    if (rival === undefined) this.faults.push('the lock went to nobody');
    return this.faults;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#owner.close(), this.#rival.close(), this.#janitor.close()]);
  }

  async #touch(): Promise<void> {
    const begun = performance.now();
    await this.#rival.setData('/bystander/watched', String(++this.#touched));
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - begun);
  }

  /** Keeps the fuzzed part of the tree open, and small. */
  async #tidy(): Promise<void> {
    await this.#janitor.setACL('/fuzz', [...OPEN]);
    await this.#janitor.setACL('/', [...READ_ONLY]);
    for (const parent of ['/fuzz', '/zookeeper/quota/fuzz', '/zookeeper/quota']) {
      const { children } = await this.#janitor.getChildren(parent).catch(() => NO_CHILDREN);
      if (parent === '/fuzz' && children.length < MOST_ZNODES) continue;
      for (const child of children) await removeBelow(this.#janitor, `${parent}/${child}`);
    }
  }

  async #repeat(everyMs: number, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        this.faults.push(`a bystander's request: ${(error as Error).message}`);
      }
      await pause(everyMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** Also below /zookeeper, where the client's own `deleteAll` removes nothing. */
async function removeBelow(client: Client, path: string): Promise<void> {
  const { children } = await client.getChildren(path).catch(() => NO_CHILDREN);
  for (const child of children) await removeBelow(client, `${path}/${child}`);
  await client.delete(path).catch(() => {});
}
