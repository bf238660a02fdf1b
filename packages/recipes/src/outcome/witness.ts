import {
  type Acl,
  type CallOptions,
  type Client,
  isZooKeeperError,
  type Transaction,
  TransactionError,
  ZooKeeperError,
} from '@headkeeper/client';
import { pause } from '../alarm.ts';
import { ensureThere, isDoubtful, passesInTime } from '../passing.ts';
import { childPath } from '../znode-name.ts';

/** What a transaction leaves in its slot, and what takes its place when it is called off. */
const MADE = 'made';
const VOID = 'void';
const MADE_BYTES: number = MADE.charCodeAt(0);
/** Slots that nobody has used for so long are those of processes that were killed. */
const ABANDONED_MS: number = 24 * 3600 * 1000;
/** Before a server that has too much to do is asked again. */
const PAUSE_MS = 50;

type Addition = (to: Transaction<readonly unknown[]>) => Transaction<readonly unknown[]>;

interface Slot {
  readonly path: string;
  version: number;
}

/**
 * Makes transactions whose outcome is always found out, by a znode of one's own that each of them changes as well.
 *
 * A single delete or setData leaves no trace of who has made it: when its answer is lost, and the znode is gone or
 * changed, somebody else may have been at work. Here each transaction raises the version of a slot, a znode that nobody
 * else writes. When an answer is lost the slot is asked: raised, the transaction was made; not raised, it is raised
 * now, so that the transaction can never be made later, and made again. A transaction is therefore made exactly once or
 * not at all.
 *
 * Slots are persistent, so that they outlast the session. They are below `directory`, a container, go with `close`, and
 * those of killed processes are removed after a day.
 */
export class Witness {
  readonly #client: Client;
  readonly #directory: string;
  readonly #acl: readonly Acl[] | undefined;
  #free: Slot[] = [];
  /** Slots whose creation was given up: they may be there. They are made again before they are used. */
  #unsure: string[] = [];
  #hasSwept = false;

  constructor(client: Client, directory: string, acl: readonly Acl[] | undefined) {
    this.#client = client;
    this.#directory = directory;
    this.#acl = acl;
  }

  /**
   * Makes what `add` adds to a transaction. The signal ends it only while it is not sent; from then on it takes as long
   * as it takes to find out.
   *
   * @throws TransactionError for the changes; ZooKeeperError for the request. The outcome is `unknown` only when the client
   * was closed, or had no contact for a day.
   */
  async commit(add: Addition, options: CallOptions = {}): Promise<void> {
    while (!(await this.attempt(add, options)));
  }

  /**
   * The same, once: false when the transaction was not made, and never will be, for no reason of its own. For what has to
   * be looked at again then.
   */
  async attempt(add: Addition, options: CallOptions = {}): Promise<boolean> {
    const slot = this.#free.pop() ?? (await this.#open(options));
    try {
      await add(this.#client.transaction().setData(slot.path, MADE, { version: slot.version })).commit(options);
      slot.version++;
      this.#free.push(slot);
      return true;
    } catch (error) {
      if (error instanceof TransactionError && error.index === 0 && error.code === 'noNode') return false;
      if (!isDoubtful(error)) {
        this.#free.push(slot);
        throw error;
      }
      const wasMade = await this.#find(slot, error);
      this.#free.push(slot);
      if (!wasMade && isOverdue(error)) throw notApplied(error);
      return wasMade;
    }
  }

  /** Removes the slots that are not in use. */
  async close(): Promise<void> {
    for (const path of [...this.#free.splice(0).map(({ path }) => path), ...this.#unsure.splice(0)]) {
      // What cannot be removed now is removed by another process later.
      await this.#client.delete(path).catch(() => {});
    }
  }

  /** Whether the transaction was made; if not, it will not be. */
  async #find(slot: Slot, doubt: ZooKeeperError): Promise<boolean> {
    for (;;) {
      try {
        const { data, stat } = await this.#client.getData(slot.path);
        if (stat.version > slot.version) {
          slot.version = stat.version;
          return data?.[0] === MADE_BYTES;
        }
        await this.#client.setData(slot.path, VOID, { version: slot.version });
        slot.version++;
        return false;
      } catch (error) {
        if (isZooKeeperError(error, 'noNode', 'closed')) throw doubt;
        if (!passesInTime(error) && !isZooKeeperError(error, 'badVersion')) throw error;
        await pause(this.#client, PAUSE_MS);
      }
    }
  }

  async #open(options: CallOptions): Promise<Slot> {
    const path = this.#unsure.pop() ?? childPath(this.#directory, this.#client.uniqueId());
    const create = this.#acl === undefined ? options : { ...options, acl: this.#acl };
    for (;;) {
      try {
        const { stat } = await this.#client.create(path, VOID, create);
        this.#sweep(stat.ctime);
        break;
      } catch (error) {
        // Nobody else draws this name.
        if (isZooKeeperError(error, 'nodeExists')) break;
        if (isOverdue(error)) {
          this.#unsure.push(path);
          throw notApplied(error);
        }
        if (isZooKeeperError(error, 'noNode')) await ensureThere(this.#client, this.#directory, this.#acl, options);
        else if (!isDoubtful(error)) throw error;
      }
    }
    return { path, version: 0 };
  }

  /** Removes what killed processes have left, once, beside everything else. */
  #sweep(now: number): void {
    if (this.#hasSwept) return;
    this.#hasSwept = true;
    const sweep = async (): Promise<void> => {
      const { children } = await this.#client.getChildren(this.#directory);
      for (const name of children) {
        const path = childPath(this.#directory, name);
        const stat = await this.#client.exists(path);
        if (stat !== null && stat.mtime < now - ABANDONED_MS)
          await this.#client.delete(path, { version: stat.version });
      }
    };
    sweep().catch(() => {});
  }
}

/** Whether the caller's own limit was over, so that it makes no sense to try again. */
function isOverdue(error: unknown): error is ZooKeeperError {
  return isZooKeeperError(error, 'requestTimeout');
}

function notApplied({ code, operation, path, message }: ZooKeeperError): ZooKeeperError {
  return new ZooKeeperError({ code, operation, path, outcome: 'not applied', detail: message });
}
