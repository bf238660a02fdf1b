import type { Acl, CallOptions, Client } from '@headkeeper/client';
import { PersistentNode } from '../membership/persistent-node.ts';
import { encodeInstance, type ServiceInstance } from './service-instance.ts';

const DEFAULT_EVERY_MS = 5000;

/** Asked again and again whether the instance can serve. */
export interface HealthCheck {
  /** False or a rejection: it cannot. The signal is aborted when the registration ends. */
  readonly isHealthy: (signal: AbortSignal) => boolean | Promise<boolean>;
  /** Milliseconds from one answer to the next question; 5,000 unless given. */
  readonly everyMs?: number;
}

/** An instance that others can find, until it is closed or its session ends. */
export class Registration {
  readonly #client: Client;
  readonly #path: string;
  readonly #acl: { readonly acl?: readonly Acl[] };
  readonly #over: AbortController = new AbortController();
  #instance: ServiceInstance;
  #node: PersistentNode | null = null;
  #checking: Promise<void> | null = null;

  /** @internal Use `ServiceDiscovery.register`. */
  constructor(client: Client, path: string, instance: ServiceInstance, acl: readonly Acl[] | undefined) {
    this.#client = client;
    this.#path = path;
    this.#instance = instance;
    this.#acl = acl === undefined ? {} : { acl };
  }

  get instance(): ServiceInstance {
    return this.#instance;
  }

  /** Whether others can find it, as far as is known. */
  get isListed(): boolean {
    return this.#node?.isThere === true;
  }

  /** @internal Resolves when it is listed, or when the first health check says that it is not to be. */
  async start(check: HealthCheck | null, options: CallOptions): Promise<void> {
    if (check === null || (await this.#isHealthy(check))) await this.#list(options);
    if (check !== null) this.#checking = this.#keepChecking(check);
  }

  /** Says something else about the instance; its name and id stay. */
  async update(
    changes: Partial<Omit<ServiceInstance, 'name' | 'id' | 'type'>>,
    options: CallOptions = {},
  ): Promise<void> {
    this.#instance = { ...this.#instance, ...changes };
    await this.#node?.setData(encodeInstance(this.#instance), options);
  }

  /** Takes the instance off the list. */
  async close(): Promise<void> {
    this.#over.abort();
    await this.#checking;
    await this.#node?.close();
    this.#node = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #list(options: CallOptions): Promise<void> {
    const data = encodeInstance(this.#instance);
    const node = new PersistentNode(this.#client, this.#path, { data, ifTaken: 'replace', ...this.#acl });
    this.#node = node;
    try {
      await node.start(options);
    } catch (error) {
      void node.close();
      this.#node = null;
      throw error;
    }
  }

  async #keepChecking(check: HealthCheck): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await this.#pause(check.everyMs ?? DEFAULT_EVERY_MS);
      if (signal.aborted) return;
      const isHealthy = await this.#isHealthy(check);
      if (signal.aborted) return;
      if (isHealthy && this.#node === null) await this.#list({ signal }).catch(() => {});
      else if (!isHealthy) {
        const node = this.#node;
        this.#node = null;
        await node?.close();
      }
    }
  }

  /** Until the registration is closed, at the latest. */
  #pause(ms: number): Promise<void> {
    const { signal } = this.#over;
    return new Promise((resolve) => {
      const over = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', over);
        resolve();
      };
      const timer = this.#client.after(ms, over);
      signal.addEventListener('abort', over);
    });
  }

  async #isHealthy(check: HealthCheck): Promise<boolean> {
    try {
      return await check.isHealthy(this.#over.signal);
    } catch {
      return false;
    }
  }
}
