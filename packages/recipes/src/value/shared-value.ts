import {
  type Acl,
  type CallOptions,
  type Client,
  type DataInput,
  type StreamOptions,
  watchData,
} from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { bytesOf } from '../node-data.ts';
import { Cell, type CellState } from '../outcome/cell.ts';

export interface SharedValueOptions {
  /** What the value is while nobody has set one; the first reader writes it. No bytes unless given. */
  readonly seed?: DataInput;
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

/** A value, and the number of changes before it. */
export interface VersionedValue {
  readonly data: Uint8Array;
  readonly version: number;
}

/**
 * Bytes that any number of processes read, set and watch; Curator's SharedValue (the znode `path`, its data raw).
 *
 * **Guarantee.** `trySet` changes the version that the caller has seen or nothing at all; `set` takes effect exactly
 * once. After **connection loss or session expiry** both find out whether the change was made (see `AtomicCounter`) and
 * make it if not. `watch` goes on over both and misses no value that lasts.
 */
export class SharedValue {
  readonly path: string;
  readonly #client: Client;
  readonly #cell: Cell;
  readonly #seed: Uint8Array;

  constructor(client: Client, path: string, options: SharedValueOptions = {}) {
    checkRecipe('SharedValue', client, path, options);
    this.path = path;
    this.#client = client;
    this.#cell = new Cell(client, path, options.acl);
    this.#seed = bytesOf(options.seed ?? null);
  }

  /** The value, as this client's server knows it. */
  async get(options: CallOptions = {}): Promise<VersionedValue> {
    for (;;) {
      const state: CellState | null = await this.#cell.read(options);
      if (state !== null) return state;
      await this.#cell.replace(this.#seed, null, options);
    }
  }

  /** Sets it, whatever it is now. */
  set(data: DataInput, options: CallOptions = {}): Promise<void> {
    return this.#cell.put(bytesOf(data), options);
  }

  /** Sets it, if it still has the version; whether it had. */
  trySet(data: DataInput, version: number, options: CallOptions = {}): Promise<boolean> {
    return this.#cell.replace(bytesOf(data), version, options);
  }

  /** The value, and each later one; those that follow one another faster than they are read are left out. */
  async *watch(options: StreamOptions = {}): AsyncGenerator<VersionedValue, void, undefined> {
    await this.get();
    for await (const znode of watchData(this.#client, this.path, options)) {
      if (znode !== null) yield { data: znode.data ?? new Uint8Array(0), version: znode.stat.version };
    }
  }

  /** Removes this object's own znodes; the value stays. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#cell.close();
  }
}
