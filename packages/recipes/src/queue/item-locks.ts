import {
  type Acl,
  type Client,
  isZooKeeperError,
  TransactionError,
  type Watcher,
  ZooKeeperError,
} from '@headkeeper/client';
import { textOf } from '../node-data.ts';
import type { Witness } from '../outcome/witness.ts';
import { ensureThere, passesAtServers } from '../passing.ts';
import { holdBySession, type SessionHold } from '../session-hold.ts';
import { childPath } from '../znode-name.ts';
import type { Delivery } from './delivery.ts';
import { checkItem, type ItemNaming } from './item-naming.ts';

/** Locks on items: an ephemeral of the item's name in another directory, with the taker's own id in it. */
export class ItemLocks {
  readonly #client: Client;
  readonly #naming: ItemNaming;
  readonly #entries: string;
  readonly #directory: string;
  readonly #witness: Witness;
  readonly #acl: { readonly acl?: readonly Acl[] };

  constructor(
    client: Client,
    naming: ItemNaming,
    { entries, locks }: { readonly entries: string; readonly locks: string },
    witness: Witness,
    acl: readonly Acl[] | undefined,
  ) {
    this.#client = client;
    this.#naming = naming;
    this.#entries = entries;
    this.#directory = locks;
    this.#witness = witness;
    this.#acl = acl === undefined ? {} : { acl };
  }

  /** Items that are locked. */
  async names(watch: Watcher): Promise<ReadonlySet<string>> {
    for (;;) {
      try {
        const { children } = await this.#client.getChildren(this.#directory, { watch });
        return new Set(children);
      } catch (error) {
        if (!isZooKeeperError(error, 'noNode')) throw error;
        await this.#ensureDirectory();
      }
    }
  }

  /** Gives up the watcher of `names`. */
  unwatch(watch: Watcher): void {
    this.#client.unwatch(this.#directory, watch);
  }

  /** null: somebody else has it, or has dealt with it. */
  async take(name: string): Promise<Delivery | null> {
    const session = this.#client.session.id;
    const lock = childPath(this.#directory, name);
    if (!(await this.#lock(lock, session))) return null;
    const entry = childPath(this.#entries, name);
    const hold = holdBySession(this.#client, session, entry);
    try {
      const data = (await this.#read(entry)).data ?? new Uint8Array(0);
      checkItem(this.#naming, entry, data);
      return this.#delivery(name, data, session, hold);
    } catch (error) {
      await this.#unlock(lock, session, hold);
      if (isZooKeeperError(error, 'noNode')) return null;
      throw error;
    }
  }

  /** Asks until the answer is certain: a lock that nobody knows of would hold the item as long as the session lives. */
  async #lock(lock: string, session: bigint): Promise<boolean> {
    const id = this.#client.uniqueId();
    for (let isDoubtful = false; ; ) {
      try {
        await this.#client.create(lock, id, { mode: 'ephemeral', session, ...this.#acl });
        return true;
      } catch (error) {
        if (isZooKeeperError(error, 'nodeExists')) {
          if (!isDoubtful) return false;
          const holder = await this.#holder(lock);
          if (holder !== null) return holder === id;
        } else if (isZooKeeperError(error, 'noNode')) await this.#ensureDirectory();
        else if (isZooKeeperError(error, 'sessionExpired') || !passesAtServers(error)) throw error;
        else isDoubtful ||= error.outcome === 'unknown';
      }
    }
  }

  async #holder(lock: string): Promise<string | null> {
    try {
      return textOf((await this.#read(lock)).data);
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) return null;
      throw error;
    }
  }

  async #read(path: string): ReturnType<Client['getData']> {
    for (;;) {
      try {
        return await this.#client.getData(path);
      } catch (error) {
        if (!passesAtServers(error)) throw error;
      }
    }
  }

  #delivery(name: string, data: Uint8Array, session: bigint, hold: SessionHold): Delivery {
    const entry = childPath(this.#entries, name);
    const lock = childPath(this.#directory, name);
    let end: Promise<void> | null = null;
    const finish = async (): Promise<void> => {
      for (;;) {
        try {
          await this.#witness.commit((to) => to.delete(lock).delete(entry), { session });
          hold.release();
          return;
        } catch (error) {
          const isGone = error instanceof TransactionError && error.code === 'noNode';
          if (isGone || isZooKeeperError(error, 'sessionExpired')) {
            hold.release();
            throw lockLost(entry, error);
          }
          if (!passesAtServers(error) || error.outcome === 'unknown') throw error;
        }
      }
    };
    const putBack = (): Promise<void> => {
      end ??= this.#unlock(lock, session, hold);
      return end;
    };
    return {
      name,
      data,
      signal: hold.signal,
      done: () => {
        end ??= finish();
        return end;
      },
      putBack,
      [Symbol.asyncDispose]: () => (end === null ? putBack() : end.catch(() => {})),
    };
  }

  /** Exactly once: a second time it would be the lock of whoever has come after. */
  async #unlock(lock: string, session: bigint, hold: SessionHold): Promise<void> {
    hold.release();
    for (;;) {
      try {
        await this.#witness.commit((to) => to.delete(lock), { session });
        return;
      } catch (error) {
        // With its session the lock goes as well; unknown it is only when the client is closed.
        if (isZooKeeperError(error, 'noNode', 'sessionExpired', 'closed')) return;
        if (!passesAtServers(error) || error.outcome === 'unknown') throw error;
      }
    }
  }

  #ensureDirectory(): Promise<void> {
    return ensureThere(this.#client, this.#directory, this.#acl.acl);
  }
}

function lockLost(path: string, cause: unknown): ZooKeeperError {
  return new ZooKeeperError({
    code: 'sessionExpired',
    operation: 'done',
    path,
    outcome: 'not applied',
    detail: 'the lock on the item was lost, and another may have taken it',
    cause,
  });
}
