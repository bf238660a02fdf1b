import { type Client, OPEN_ACL, ZooKeeperError } from '@headkeeper/client';
import { SeededRandom } from '@headkeeper/testkit';
import { readLiveTree } from '../src/history/live-tree.ts';
import type { MapTree } from '../src/history/map-tree.ts';
import { walk, type Znode } from '../src/history/znode.ts';
import type { ServedFolder } from './served-folder.ts';

/** A state that was seen on the server. */
export interface Seen {
  readonly zxid: number;
  /** Milliseconds since 1970, of the txn with that zxid. */
  readonly timeMs: number;
  readonly tree: MapTree;
}

const MARKER = '/marker';
export const TOP = '/t';

/** Writes at random below `TOP` and elsewhere, and looks at the whole server from time to time. */
export class RecordedHistory {
  readonly #served: ServedFolder;
  readonly #random: SeededRandom;
  readonly seen: Seen[] = [];
  #client: Client | null = null;
  /** Owns the ephemerals, and ends from time to time. */
  #owner: Client | null = null;

  constructor(served: ServedFolder, seed: number) {
    this.#served = served;
    this.#random = new SeededRandom(seed);
  }

  async begin(): Promise<void> {
    this.#client = await this.#served.connect();
    this.#owner = await this.#served.connect();
    await this.#client.create(MARKER, null);
    await this.#client.create(TOP, null);
  }

  /** Writes so often, looking at the server so often. */
  async goOn(looks: number, writes: number): Promise<void> {
    for (let look = 0; look < looks; look++) {
      for (let i = 0; i < writes; i++) await this.#write();
      await this.look();
    }
  }

  async look(): Promise<Seen> {
    const stat = await this.client.setData(MARKER, Buffer.from(String(this.seen.length)));
    const seen = { zxid: stat.mzxid, timeMs: stat.mtime, tree: await readLiveTree(this.client, '/') };
    this.seen.push(seen);
    return seen;
  }

  get client(): Client {
    if (this.#client === null) throw new Error('the history has not begun');
    return this.#client;
  }

  async end(): Promise<void> {
    await this.#client?.close();
    await this.#owner?.close();
  }

  async #write(): Promise<void> {
    const path = this.#path();
    const { client } = this;
    const data = this.#random.below(5) === 0 ? null : Buffer.from(`${path} ${this.#random.below(1000)}`);
    try {
      switch (this.#random.below(10)) {
        case 0:
        case 1:
        case 2:
          await client.create(path, data);
          return;
        case 3:
        case 4:
          await client.setData(path, data);
          return;
        case 5:
          return await client.delete(path);
        case 6:
          await client.setACL(path, [
            { perms: 1 + this.#random.below(31), scheme: 'world', id: 'anyone' },
            ...OPEN_ACL,
          ]);
          return;
        case 7:
          await client.transaction().create(path, data).setData(MARKER, data).create(`${path}/m`, data).commit();
          return;
        case 8:
          return await this.#ownerMakes(`${path}-e`);
        default:
          if (this.#random.below(4) > 0) return;
          await this.#owner?.close();
          this.#owner = await this.#served.connect();
      }
    } catch (error) {
      // Random writes miss often; that is history, too.
      if (!(error instanceof ZooKeeperError)) throw error;
    }
  }

  async #ownerMakes(path: string): Promise<void> {
    await this.#owner?.transaction().create(path, null, { mode: 'ephemeral' }).commit();
  }

  #path(): string {
    const names = Array.from({ length: 1 + this.#random.below(3) }, () => 'abcd'[this.#random.below(4)] as string);
    return `${this.#random.below(5) === 0 ? '/elsewhere' : TOP}/${names.join('/')}`;
  }
}

/** What a server tells of the znodes at and below a path, with stats unless only values count. */
export function content(
  tree: { get(path: string): Znode | null; children(path: string): readonly string[] },
  top: string,
  valuesOnly = false,
): unknown[] {
  return [...walk(tree, top)]
    .filter((znode) => !valuesOnly || znode.kind !== 'ephemeral')
    .map(({ path, data, acl, stat }) => [
      path,
      data === null ? null : Buffer.from(data).toString('latin1'),
      acl,
      ...(valuesOnly ? [] : [stat]),
    ]);
}
