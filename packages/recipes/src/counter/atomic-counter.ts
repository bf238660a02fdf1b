import type { Acl, CallOptions, Client } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { chosen } from '../chosen.ts';
import { Cell } from '../outcome/cell.ts';
import { passesAtServers } from '../passing.ts';
import { Turns } from '../turns.ts';
import { Wait } from '../wait.ts';
import { type CounterBytes, counterBytes } from './counter-bytes.ts';

/** The longest pause after losing against another process, milliseconds; it doubles from 1 on. */
const LONGEST_PAUSE_MS = 64;
const HEX_DIGITS = 8;
const HEX = 16;

export interface AtomicCounterOptions {
  /**
   * How the value is stored: `int64` (the default; Curator's DistributedAtomicLong), `int32` (Curator's
   * DistributedAtomicInteger and SharedCount, kazoo's Counter with `support_curator`), both big-endian, or `decimal`
   * (kazoo's Counter; whole numbers of any size).
   */
  readonly format?: 'int64' | 'int32' | 'decimal';
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

export interface CounterChange {
  readonly before: bigint;
  readonly after: bigint;
}

/** The znode of a counter holds no number of its format. */
export class CounterError extends Error {
  readonly path: string;

  constructor(path: string, format: string) {
    super(`${path} holds no number of the format ${format}; look whether others use another format, or delete it`);
    this.name = 'CounterError';
    this.path = path;
  }
}

/**
 * A number that any number of processes change. A znode that is not there counts as 0 and is made by the first change.
 *
 * **Guarantee.** A change that has resolved was made exactly once; one that was rejected was not made, unless the
 * error's outcome is `unknown`. Each change is a compare-and-set, in one transaction with a change of a znode of one's
 * own (`<path>-witnesses/…`). The number alone could not tell: when the answer to `setData(6, version 4)` is lost and
 * version 5 holds a 6, another process may have written it, counting from the same 5. The witness does tell, however
 * many changes others have made since.
 *
 * **Connection loss and session expiry.** The change goes on with the next connection or session: it finds out whether
 * it was made, and is made if not. The outcome is `unknown` only when the client is closed meanwhile, when no server
 * was reached for a day, or when the process dies: then the counter may be one change ahead of what was seen.
 *
 * **Others.** Curator and kazoo repeat a compare-and-set after a connection loss: their `increment` may count twice.
 */
export class AtomicCounter {
  readonly path: string;
  readonly #client: Client;
  readonly #format: string;
  readonly #bytes: CounterBytes;
  readonly #cell: Cell;
  /** This object's own changes wait for one another: they would only be in each other's way. */
  readonly #turns: Turns = new Turns();

  constructor(client: Client, path: string, options: AtomicCounterOptions = {}) {
    checkRecipe('AtomicCounter', client, path, options);
    const { format = 'int64', acl } = options;
    this.path = path;
    this.#client = client;
    this.#format = chosen('format', format, ['int64', 'int32', 'decimal']);
    this.#bytes = counterBytes[format];
    this.#cell = new Cell(client, path, acl);
  }

  /** The value, as this client's server knows it. */
  async get(options: CallOptions = {}): Promise<bigint> {
    return (await this.#read(options)).value;
  }

  /** @throws RangeError when the sum does not fit; CounterError; ZooKeeperError aborted, requestTimeout, closed. */
  add(delta: bigint | number, options: CallOptions = {}): Promise<CounterChange> {
    const step = BigInt(delta);
    return this.#change('add', (value) => value + step, options);
  }

  increment(options: CallOptions = {}): Promise<CounterChange> {
    return this.add(1n, options);
  }

  decrement(options: CallOptions = {}): Promise<CounterChange> {
    return this.add(-1n, options);
  }

  /** Another value, whatever there is. */
  set(value: bigint | number, options: CallOptions = {}): Promise<CounterChange> {
    const next = BigInt(value);
    return this.#change('set', () => next, options);
  }

  /** Another value, if it has this one; whether it had. */
  async compareAndSet(expected: bigint | number, value: bigint | number, options: CallOptions = {}): Promise<boolean> {
    const next = BigInt(value);
    const { before } = await this.#change('compareAndSet', (now) => (now === BigInt(expected) ? next : null), options);
    return before === BigInt(expected);
  }

  /** Removes this object's own znodes; the counter stays. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#cell.close();
  }

  async #change(
    operation: string,
    next: (value: bigint) => bigint | null,
    options: CallOptions,
  ): Promise<CounterChange> {
    using wait = new Wait(this.#client, operation, this.path, options);
    return await this.#turns.next(async () => {
      for (let pauseMs = 1; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
        wait.check();
        try {
          const { value: before, version } = await this.#read({});
          const after = next(before);
          if (after === null) return { before, after: before };
          this.#checkRange(after);
          if (await this.#cell.replace(this.#bytes.encode(after), version, {})) return { before, after };
        } catch (error) {
          if (!passesAtServers(error) || error.outcome === 'unknown') throw error;
          continue;
        }
        await wait.pause(this.#random() * pauseMs);
      }
    });
  }

  async #read(options: CallOptions): Promise<{ value: bigint; version: number | null }> {
    const state = await this.#cell.read(options);
    if (state === null) return { value: 0n, version: null };
    const value = this.#bytes.decode(state.data);
    if (value === null) throw new CounterError(this.path, this.#format);
    return { value, version: state.version };
  }

  #checkRange(value: bigint): void {
    const { least, most } = this.#bytes;
    if ((least !== null && value < least) || (most !== null && value > most)) {
      throw new RangeError(`${value} does not fit into the format ${this.#format} of the counter ${this.path}`);
    }
  }

  /** From 0 to 1. */
  #random(): number {
    return Number.parseInt(this.#client.uniqueId().slice(0, HEX_DIGITS), HEX) / HEX ** HEX_DIGITS;
  }
}
