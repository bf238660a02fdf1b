import type { CallOptions, Client, StreamOptions } from '@headkeeper/client';
import { Cache } from '../cache/cache.ts';
import type { CachedNode } from '../cache/cached-node.ts';
import { compareText } from '../znode-name.ts';
import { decodeInstance, type ServiceInstance } from './service-instance.ts';

const DEFAULT_ERRORS = 2;
const DEFAULT_DOWN_MS = 30_000;
const HEX_DIGITS = 8;
const HEX = 16;

/** How one of several instances is picked. `sticky`: always the same, as long as it is there and not down. */
export type PickStrategy = 'random' | 'roundRobin' | 'sticky';

export interface ServiceProviderOptions {
  /** `roundRobin` unless given. */
  readonly strategy?: PickStrategy;
  /** After so many errors that `noteError` was told of, an instance is down; 2 unless given. */
  readonly downAfterErrors?: number;
  /** How long it is down then, and how long an error counts; milliseconds, 30,000 unless given. */
  readonly downForMs?: number;
}

export type ServiceChange =
  | { readonly type: 'added'; readonly instance: ServiceInstance; readonly previous: null }
  | { readonly type: 'changed'; readonly instance: ServiceInstance; readonly previous: ServiceInstance }
  | { readonly type: 'removed'; readonly instance: null; readonly previous: ServiceInstance };

interface Trouble {
  errors: number;
  /** On the client's clock. */
  until: number;
}

/**
 * The instances of one service, known at once without asking a server, and one picked for each request. **Connection
 * loss or session expiry:** the last list known goes on being used, and is brought up to date with the next connection.
 */
export class ServiceProvider {
  readonly name: string;
  readonly #client: Client;
  readonly #cache: Cache;
  readonly #strategy: PickStrategy;
  readonly #downAfterErrors: number;
  readonly #downForMs: number;
  readonly #troubles: Map<string, Trouble> = new Map();
  readonly #decoded: WeakMap<CachedNode, { instance: ServiceInstance | null }> = new WeakMap();
  #turn = 0;
  #stickTo: string | null = null;

  /** @internal Use `ServiceDiscovery.provider`. */
  constructor(client: Client, path: string, name: string, options: ServiceProviderOptions) {
    this.name = name;
    this.#client = client;
    this.#cache = new Cache(client, path, { depth: 1 });
    this.#strategy = options.strategy ?? 'roundRobin';
    this.#downAfterErrors = options.downAfterErrors ?? DEFAULT_ERRORS;
    this.#downForMs = options.downForMs ?? DEFAULT_DOWN_MS;
  }

  /** @internal */
  start(options: CallOptions): Promise<void> {
    return this.#cache.start(options);
  }

  /** Every instance that is listed, in the order of the ids: those that are down or not enabled, too. */
  get all(): readonly ServiceInstance[] {
    const instances: ServiceInstance[] = [];
    for (const node of this.#cache.entries()) {
      const instance = this.#instanceOf(node);
      if (instance !== null) instances.push(instance);
    }
    return instances.sort((a, b) => compareText(a.id, b.id));
  }

  /**
   * One that is enabled and not down; null when there is none. If all are down, one of these: it may be the best there
   * is.
   */
  pick(): ServiceInstance | null {
    const enabled = this.all.filter((instance) => instance.enabled);
    const up = enabled.filter(({ id }) => !this.isDown(id));
    const choice = up.length > 0 ? up : enabled;
    if (choice.length === 0) return null;
    if (this.#strategy === 'sticky') {
      const same = choice.find(({ id }) => id === this.#stickTo);
      const picked = same ?? choice[this.#random(choice.length)] ?? null;
      this.#stickTo = picked?.id ?? null;
      return picked;
    }
    const at = this.#strategy === 'random' ? this.#random(choice.length) : this.#turn++ % choice.length;
    return choice[at] ?? null;
  }

  /** A request to the instance has failed. */
  noteError(instance: Pick<ServiceInstance, 'id'>): void {
    const now = this.#client.nowMs();
    for (const [id, { until }] of this.#troubles) if (until <= now) this.#troubles.delete(id);
    const trouble = this.#troubles.get(instance.id);
    const errors = (trouble?.errors ?? 0) + 1;
    this.#troubles.set(instance.id, { errors, until: now + this.#downForMs });
  }

  /** Whether it has had so many errors lately that others are asked first. */
  isDown(id: string): boolean {
    const trouble = this.#troubles.get(id);
    if (trouble === undefined) return false;
    if (trouble.until <= this.#client.nowMs()) {
      this.#troubles.delete(id);
      return false;
    }
    return trouble.errors >= this.#downAfterErrors;
  }

  /** All instances that are there, as added, then every change. */
  async *changes(options: StreamOptions = {}): AsyncGenerator<ServiceChange, void, undefined> {
    for await (const { node, previous } of this.#cache.changes(options)) {
      const instance = node === null ? null : this.#instanceOf(node);
      const before = previous === null ? null : this.#instanceOf(previous);
      if (instance !== null) {
        if (before === null) yield { type: 'added', instance, previous: before };
        else yield { type: 'changed', instance, previous: before };
      } else if (before !== null) {
        this.#troubles.delete(before.id);
        yield { type: 'removed', instance, previous: before };
      }
    }
  }

  close(): Promise<void> {
    return this.#cache.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #instanceOf(node: CachedNode): ServiceInstance | null {
    if (node.path === this.#cache.path) return null;
    let known = this.#decoded.get(node);
    if (known === undefined) {
      known = { instance: decodeInstance(node.data) };
      this.#decoded.set(node, known);
    }
    return known.instance;
  }

  #random(limit: number): number {
    return Number.parseInt(this.#client.uniqueId().slice(0, HEX_DIGITS), HEX) % limit;
  }
}
