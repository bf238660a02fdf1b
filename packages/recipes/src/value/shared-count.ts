import type { Acl, CallOptions, Client, StreamOptions } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { counterBytes } from '../counter/counter-bytes.ts';
import { SharedValue, type VersionedValue } from './shared-value.ts';

const { encode, decode, least, most } = counterBytes.int32;

export interface SharedCountOptions {
  /** What the count is while nobody has set one; 0 unless given. */
  readonly seed?: number;
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

export interface VersionedCount {
  readonly count: number;
  readonly version: number;
}

/**
 * A whole number of 32 bits that processes read, set and watch; Curator's SharedCount (4 bytes, big-endian). What is
 * said of `SharedValue` goes for it, too. To count with, take `AtomicCounter` of the format `int32`.
 */
export class SharedCount {
  readonly path: string;
  readonly #value: SharedValue;

  constructor(client: Client, path: string, options: SharedCountOptions = {}) {
    checkRecipe('SharedCount', client, path, options);
    const { seed = 0, acl } = options;
    this.path = path;
    this.#value = new SharedValue(client, path, { seed: bytesOf(seed), ...(acl === undefined ? {} : { acl }) });
  }

  /** @throws TypeError when the znode holds no such number. */
  async get(options: CallOptions = {}): Promise<VersionedCount> {
    return this.#countOf(await this.#value.get(options));
  }

  /** Sets it, whatever it is now. */
  async set(count: number, options: CallOptions = {}): Promise<void> {
    await this.#value.set(bytesOf(count), options);
  }

  /** Sets it, if it still has the version; whether it had. */
  async trySet(count: number, version: number, options: CallOptions = {}): Promise<boolean> {
    return this.#value.trySet(bytesOf(count), version, options);
  }

  /** The count, and each later one that lasts. */
  async *watch(options: StreamOptions = {}): AsyncGenerator<VersionedCount, void, undefined> {
    for await (const value of this.#value.watch(options)) yield this.#countOf(value);
  }

  /** Removes this object's own znodes; the count stays. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#value[Symbol.asyncDispose]();
  }

  #countOf({ data, version }: VersionedValue): VersionedCount {
    const count = decode(data);
    if (count === null) throw new TypeError(`${this.path} holds no number of 4 bytes`);
    return { count: Number(count), version };
  }
}

function bytesOf(count: number): Uint8Array {
  if (!Number.isInteger(count) || count < Number(least) || count > Number(most)) {
    throw new RangeError(`a count has to be a whole number of 32 bits, not ${count}`);
  }
  return encode(BigInt(count));
}
