/** Services and parties, of which a worker is a member at most once at a time. */

import type { Client } from '@headkeeper/client';
import {
  GroupMembership,
  type Registration,
  ServiceDiscovery,
  type ServiceProvider,
  uriOf,
  uriSpec,
} from '@headkeeper/recipes';

const SERVICE = 'shop';
const PORT = 8000;
const SSL_PORT = 8443;

export class Members {
  readonly #client: Client;
  /** One for each path: it follows the service. */
  readonly #providers: Map<string, ServiceProvider> = new Map();
  #own: Registration | GroupMembership | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  async join(kind: string, path: string, name: string): Promise<void> {
    if (kind === 'service') {
      this.#own = await new ServiceDiscovery(this.#client, path).register({
        name: SERVICE,
        id: name,
        address: `${name}.test`,
        port: PORT,
        sslPort: SSL_PORT,
        payload: `payload-${name}`,
        uriSpec: uriSpec('{scheme}://{address}:{port}'),
      });
      return;
    }
    const party = this.#party(kind, path, name);
    await party.join();
    this.#own = party;
  }

  async part(): Promise<void> {
    await this.#own?.[Symbol.asyncDispose]();
    this.#own = null;
  }

  /** Whoever is there, one word each, in the order of the words. */
  async look(kind: string, path: string): Promise<readonly string[]> {
    if (kind !== 'service') {
      const members = await this.#party(kind, path, 'onlooker').members();
      return members.map(({ id }) => id).sort();
    }
    let provider = this.#providers.get(path);
    if (provider === undefined) {
      provider = await new ServiceDiscovery(this.#client, path).provider(SERVICE);
      this.#providers.set(path, provider);
    }
    return provider.all.map((one) => `${one.id}|${uriOf(one)}|${one.sslPort}|${one.payload}|${one.enabled}`).sort();
  }

  #party(kind: string, path: string, id: string): GroupMembership {
    return new GroupMembership(this.#client, path, { id, layout: kind === 'party' ? 'kazoo' : 'kazoo shallow' });
  }
}
