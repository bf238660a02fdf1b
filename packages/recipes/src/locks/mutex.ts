import type { Client } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { chosen } from '../chosen.ts';
import { type Held, type Lock, runUnder } from '../held.ts';
import { LAYOUTS, type Layout } from '../line/contenders.ts';
import { acquireInLine, type ContenderOptions, type LineSpec, tryAcquireInLine } from '../line/line.ts';
import { type FindBlocker, predecessorAmong } from '../line/turn.ts';
import type { WaitOptions } from '../wait.ts';

const MARKERS: Readonly<Record<Layout, string>> = { curator: 'lock-', kazoo: '__lock__' };
/** Both layouts' names count, for others may use either. */
export const LOCK_MARKERS: readonly string[] = Object.values(MARKERS);
const mutexBlocker: FindBlocker = predecessorAmong(LOCK_MARKERS);

/**
 * A lock that one at a time holds, across processes and machines, in the order in which they asked.
 *
 * - Not re-entrant: whoever holds it and asks again waits for himself (`ReentrantMutex` counts instead).
 * - Each acquisition creates `PATH/_c_<uuid>-lock-NNNNNNNNNN` (ephemeral, sequential), waits until no lower number is there,
 *   and watches the one before it alone.
 * - Connection loss: those who wait go on when the connection is back; a creation whose answer was lost is looked for by its
 *   name; a holder holds on for as long as the session lives for certain, and `held.signal` is aborted when it no more does.
 * - Session expiry: the holder's signal is aborted; those who wait stand in line again, at its end.
 * - The same lock as Curator's `InterProcessMutex` and Go's `zk.Lock`. With `layout: 'kazoo'` the same as kazoo's `Lock`. For
 *   all of them in one directory use the default here and, in Python, a subclass of kazoo's Lock with `_NODE_NAME = "-lock-"`
 *   and `_EXCLUDE_NAMES = ["-lock-"]`: those names are the only ones that every side puts into the same order.
 */
export class Mutex implements Lock {
  readonly path: string;
  readonly #client: Client;
  readonly #spec: LineSpec;

  /** @param path The directory of the lock; made when missing. @throws RangeError for a layout that there is not. */
  constructor(client: Client, path: string, options: ContenderOptions = {}) {
    checkRecipe('Mutex', client, path, options);
    const { layout = 'curator', data = null, acl } = options;
    chosen('layout', layout, LAYOUTS);
    this.path = path;
    this.#client = client;
    this.#spec = { directory: path, layout, marker: MARKERS[layout], data, acl, findBlocker: mutexBlocker };
  }

  /** Waits for the lock. @throws ZooKeeperError aborted, requestTimeout (`timeoutMs`), closed, noAuth. */
  acquire(options: WaitOptions = {}): Promise<Held> {
    return acquireInLine(this.#client, this.#spec, options);
  }

  /** The lock, or null when somebody has it or waits for it. */
  tryAcquire(options: WaitOptions = {}): Promise<Held | null> {
    return tryAcquireInLine(this.#client, this.#spec, options);
  }

  /**
   * Runs something while the lock is held.
   *
   * @throws HoldLostError when the lock was lost before the work was done.
   */
  async run<T>(work: (held: Held) => Promise<T> | T, options: WaitOptions = {}): Promise<T> {
    return runUnder(await this.acquire(options), work);
  }
}
