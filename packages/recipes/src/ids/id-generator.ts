import { type Acl, type CallOptions, type Client, isZooKeeperError } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { AtomicCounter } from '../counter/atomic-counter.ts';
import { ensureThere, passesAtServers } from '../passing.ts';
import { Turns } from '../turns.ts';

const DEFAULT_BLOCK = 1000;

export interface IdBlocksOptions {
  /** Ids that are taken from the server at once; 1,000 unless given. */
  readonly blockSize?: number;
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

/**
 * Numbers that are never given twice, mostly without asking a server: blocks are taken from a counter (8 bytes,
 * Curator's CachedAtomicLong on a DistributedAtomicLong), so ids of several processes are not in order of time. The
 * rest of a block is lost with its process; after **connection loss or session expiry** nothing is lost or given twice,
 * see `AtomicCounter`.
 */
export class IdBlocks {
  readonly path: string;
  readonly #counter: AtomicCounter;
  readonly #blockSize: bigint;
  readonly #turns: Turns = new Turns();
  #next = 0n;
  #end = 0n;

  constructor(client: Client, path: string, options: IdBlocksOptions = {}) {
    checkRecipe('IdBlocks', client, path, options);
    const { blockSize = DEFAULT_BLOCK, acl } = options;
    this.path = path;
    this.#blockSize = BigInt(blockSize);
    this.#counter = new AtomicCounter(client, path, acl === undefined ? {} : { acl });
  }

  /** The first id of all is 1. */
  next(options: CallOptions = {}): Promise<bigint> {
    return this.#turns.next(async () => {
      if (this.#next === this.#end) {
        const { before, after } = await this.#counter.add(this.#blockSize, options);
        this.#next = before;
        this.#end = after;
      }
      this.#next++;
      return this.#next;
    });
  }

  /** Removes this object's own znodes; the counter stays. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#counter[Symbol.asyncDispose]();
  }
}

/**
 * Numbers that are never given twice and grow with time over all processes: the versions of a znode that each id
 * raises, one request an id. After a **connection loss or session expiry** an id may be left out, never given twice.
 * Ends after 2^31 - 1.
 */
export class SequentialIds {
  readonly path: string;
  readonly #client: Client;
  readonly #acl: { readonly acl?: readonly Acl[] };

  constructor(client: Client, path: string, options: { readonly acl?: readonly Acl[] } = {}) {
    checkRecipe('SequentialIds', client, path, options);
    this.path = path;
    this.#client = client;
    this.#acl = options.acl === undefined ? {} : { acl: options.acl };
  }

  /** The first id of all is 1. @throws RangeError when there are no more. */
  async next(options: CallOptions = {}): Promise<number> {
    for (;;) {
      try {
        const { version } = await this.#client.setData(this.path, null, options);
        if (version <= 0) throw new RangeError(`the ids of ${this.path} are used up`);
        return version;
      } catch (error) {
        if (isZooKeeperError(error, 'noNode')) {
          await ensureThere(this.#client, this.path, this.#acl.acl, { ...options, mode: 'persistent' });
        } else if (!passesAtServers(error) || error.outcome !== 'unknown') throw error;
      }
    }
  }
}
