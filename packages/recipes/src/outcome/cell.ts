import {
  type Acl,
  type CallOptions,
  type Client,
  isZooKeeperError,
  type Transaction,
  TransactionError,
  type ZooKeeperErrorCode,
} from '@headkeeper/client';
import { ensureThere } from '../passing.ts';
import { parentPath } from '../znode-name.ts';
import { Witness } from './witness.ts';

const ANY_VERSION = -1;
/** What a change of a cell is refused with when somebody else has changed it first. */
const OVERTAKEN: readonly ZooKeeperErrorCode[] = ['badVersion', 'noNode', 'nodeExists'];

export interface CellState {
  readonly data: Uint8Array;
  readonly version: number;
}

/** The data of one znode, whose changes are made exactly once or not at all, see `Witness`. */
export class Cell {
  readonly path: string;
  readonly #client: Client;
  readonly #acl: { readonly acl?: readonly Acl[] };
  readonly #witness: Witness;

  constructor(client: Client, path: string, acl: readonly Acl[] | undefined) {
    this.path = path;
    this.#client = client;
    this.#acl = acl === undefined ? {} : { acl };
    this.#witness = new Witness(client, `${path}-witnesses`, acl);
  }

  /** null: there is no such znode. */
  async read(options: CallOptions): Promise<CellState | null> {
    try {
      const { data, stat } = await this.#client.getData(this.path, options);
      return { data: data ?? new Uint8Array(0), version: stat.version };
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) return null;
      throw error;
    }
  }

  /** Puts data in place of the version, null for a znode that is not there; false: it has changed meanwhile. */
  async replace(data: Uint8Array, version: number | null, options: CallOptions): Promise<boolean> {
    for (;;) {
      try {
        await this.#witness.commit((to) => this.#change(to, data, version), options);
        return true;
      } catch (error) {
        if (!(error instanceof TransactionError) || !OVERTAKEN.includes(error.code)) throw error;
        if (version !== null || error.code !== 'noNode') return false;
      }
      await ensureThere(this.#client, parentPath(this.path), this.#acl.acl, options);
    }
  }

  /** Puts data in place of whatever there is. */
  async put(data: Uint8Array, options: CallOptions): Promise<void> {
    while (!(await this.replace(data, ANY_VERSION, options)) && !(await this.replace(data, null, options)));
  }

  close(): Promise<void> {
    return this.#witness.close();
  }

  #change(
    to: Transaction<readonly unknown[]>,
    data: Uint8Array,
    version: number | null,
  ): Transaction<readonly unknown[]> {
    return version === null ? to.create(this.path, data, this.#acl) : to.setData(this.path, data, { version });
  }
}
