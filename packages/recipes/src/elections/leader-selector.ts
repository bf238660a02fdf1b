import { type Acl, type Client, isZooKeeperError } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { HoldLostError } from '../errors.ts';
import type { Held } from '../held.ts';
import type { Layout } from '../line/contenders.ts';
import { firstOf, type Participant, participantsOf } from '../line/participants.ts';
import { LOCK_MARKERS, Mutex } from '../locks/mutex.ts';
import type { WaitOptions } from '../wait.ts';

export interface LeaderSelectorOptions {
  /** What others see of this one; empty unless given. */
  readonly id?: string;
  /** Whose names to use; `curator` unless given. */
  readonly layout?: Layout;
  /** Who may do what with the znode; everybody everything, unless given. */
  readonly acl?: readonly Acl[];
}

/**
 * Leadership in turns: whoever is elected runs its work, and with the end of the work its term ends.
 *
 * - It is a `Mutex`, with this one's id as the data of its znodes: everybody gets a turn, in the order in which they stood for
 *   election. Connection loss and session expiry are as there: the signal of the term is aborted.
 * - The same election as Curator's `LeaderSelector`, and, with `layout: 'kazoo'`, as kazoo's `Election`. For both in one
 *   directory see `Mutex`.
 */
export class LeaderSelector {
  readonly path: string;
  readonly id: string;
  readonly #client: Client;
  readonly #mutex: Mutex;

  constructor(client: Client, path: string, options: LeaderSelectorOptions = {}) {
    checkRecipe('LeaderSelector', client, path, options);
    const { id = '', layout = 'curator', acl } = options;
    this.path = path;
    this.id = id;
    this.#client = client;
    this.#mutex = new Mutex(client, path, {
      layout,
      data: id === '' ? null : id,
      ...(acl === undefined ? {} : { acl }),
    });
  }

  /**
   * Stands for election once, and serves one term.
   *
   * @throws HoldLostError when the leadership was lost before the work was done; ZooKeeperError as `Mutex.acquire`.
   */
  run<T>(work: (term: Held) => Promise<T> | T, options: WaitOptions = {}): Promise<T> {
    return this.#mutex.run(work, options);
  }

  /**
   * Stands for election again and again, also after leaderships that were lost; resolves when the signal is aborted, after
   * the work of the last term.
   *
   * @throws What the work throws, except for the loss of its own term; ZooKeeperError such as closed and noAuth.
   */
  async runAgain(work: (term: Held) => Promise<void> | void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.run(work, { signal });
      } catch (error) {
        if (signal.aborted && isZooKeeperError(error, 'aborted')) return;
        if (!(error instanceof HoldLostError)) throw error;
      }
    }
  }

  /** Who leads, by the servers; null when nobody stands for election. */
  leader(): Promise<Participant | null> {
    return firstOf(this.#client, this.path, LOCK_MARKERS);
  }

  /** All who stand for election, the leader first. */
  participants(): Promise<Participant[]> {
    return participantsOf(this.#client, this.path, LOCK_MARKERS);
  }
}
