import { type Acl, type CallOptions, type Client, isZooKeeperError } from '@headkeeper/client';
import { checkName, checkOptions, checkRecipe } from '../checked.ts';
import { childPath } from '../znode-name.ts';
import { type HealthCheck, Registration } from './registration.ts';
import { decodeInstance, type ServiceInstance } from './service-instance.ts';
import { ServiceProvider, type ServiceProviderOptions } from './service-provider.ts';

export interface ServiceDiscoveryOptions {
  /** Milliseconds since 1970; the machine's clock unless given. */
  readonly clock?: () => number;
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

/** An instance as it registers. */
export type NewInstance<Payload = unknown> = Pick<ServiceInstance<Payload>, 'name' | 'address'> &
  Partial<Omit<ServiceInstance<Payload>, 'name' | 'address' | 'type' | 'registeredAt'>>;

/**
 * Who serves what, and where. Instances are `<path>/<service>/<id>`, with the JSON of Curator's ServiceDiscovery: Java
 * services see ours, and the other way round. Below `path` there must be nothing else.
 *
 * **Health.** An instance is listed as long as its session lives and, with a `health` check, as long as that says so.
 * When a process dies it is listed until its session times out: report failed requests with `provider.noteError`, so
 * that others are asked first.
 *
 * **Connection loss.** Instances stay listed while their sessions live; providers go on with what they know. **Session
 * expiry.** The instance goes and is listed again with the client's next session. An instance of the same id by another
 * process, such as the one before a restart, is replaced.
 */
export class ServiceDiscovery {
  readonly path: string;
  readonly #client: Client;
  readonly #clock: () => number;
  readonly #acl: readonly Acl[] | undefined;

  constructor(client: Client, path: string, options: ServiceDiscoveryOptions = {}) {
    checkRecipe('ServiceDiscovery', client, path, options);
    this.path = path;
    this.#client = client;
    this.#clock = options.clock ?? (() => Date.now());
    this.#acl = options.acl;
  }

  /** Lists an instance until the registration is closed; resolves when others can find it. */
  async register(
    instance: NewInstance,
    options: CallOptions & { readonly health?: HealthCheck } = {},
  ): Promise<Registration> {
    checkInstance(instance);
    checkOptions('register', options);
    const { health = null, ...bounds } = options;
    if (health !== null) checkOptions('register: the option health', health);
    const full: ServiceInstance = {
      id: this.#client.uniqueId(),
      port: null,
      sslPort: null,
      payload: null,
      uriSpec: null,
      enabled: true,
      ...instance,
      registeredAt: this.#clock(),
      type: 'DYNAMIC',
    };
    const path = childPath(childPath(this.path, full.name), full.id);
    const registration = new Registration(this.#client, path, full, this.#acl);
    await registration.start(health, bounds);
    return registration;
  }

  /** Follows a service and picks instances of it, until it is closed. */
  async provider(name: string, options: CallOptions & ServiceProviderOptions = {}): Promise<ServiceProvider> {
    checkName('provider', 'the name of the service', name);
    checkOptions('provider', options);
    const { strategy, downAfterErrors, downForMs, ...bounds } = options;
    const provider = new ServiceProvider(this.#client, childPath(this.path, name), name, {
      ...(strategy === undefined ? {} : { strategy }),
      ...(downAfterErrors === undefined ? {} : { downAfterErrors }),
      ...(downForMs === undefined ? {} : { downForMs }),
    });
    try {
      await provider.start(bounds);
    } catch (error) {
      await provider.close();
      throw error;
    }
    return provider;
  }

  /** Names of the services that are or were there. */
  async services(options: CallOptions = {}): Promise<readonly string[]> {
    return this.#children(this.path, options);
  }

  /** Instances of a service, asked for now; see `provider` for one that follows them. */
  async instances(name: string, options: CallOptions = {}): Promise<readonly ServiceInstance[]> {
    checkName('instances', 'the name of the service', name);
    const path = childPath(this.path, name);
    const ids = await this.#children(path, options);
    const instances = await Promise.all(ids.map((id) => this.#instance(childPath(path, id), options)));
    return instances.filter((instance) => instance !== null);
  }

  async #children(path: string, options: CallOptions): Promise<readonly string[]> {
    try {
      return [...(await this.#client.getChildren(path, options)).children].sort();
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) return [];
      throw error;
    }
  }

  async #instance(path: string, options: CallOptions): Promise<ServiceInstance | null> {
    try {
      return decodeInstance((await this.#client.getData(path, options)).data);
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) return null;
      throw error;
    }
  }
}

/** @throws TypeError for what could not be found, or not be called. */
function checkInstance(instance: unknown): void {
  if (typeof instance !== 'object' || instance === null) {
    throw new TypeError('register: the instance has to be an object such as { name, address, port }');
  }
  const { name, id, address, port, sslPort } = instance as Partial<Record<keyof ServiceInstance, unknown>>;
  checkName('register', 'the name of the service', name);
  if (id !== undefined) checkName('register', 'the id of the instance', id);
  if (typeof address !== 'string' || address === '') {
    throw new TypeError('register: the address has to be a string that is not empty, such as a host name');
  }
  for (const [what, number] of Object.entries({ port, sslPort })) {
    if (number === undefined || number === null || Number.isInteger(number)) continue;
    throw new TypeError(`register: ${what} has to be a whole number or null`);
  }
}
