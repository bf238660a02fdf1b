import {
  type Acl,
  type CallOptions,
  type Client,
  type DataInput,
  isZooKeeperError,
  type StreamOptions,
} from '@headkeeper/client';
import { pause } from '../alarm.ts';
import { Cache } from '../cache/cache.ts';
import type { CachedNode } from '../cache/cached-node.ts';
import { checkRecipe } from '../checked.ts';
import { chosen } from '../chosen.ts';
import { bytesOf, textOf } from '../node-data.ts';
import { passesInTime } from '../passing.ts';
import { childPath, nameOf } from '../znode-name.ts';
import { PersistentNode } from './persistent-node.ts';

const PARTY = '__party__';
const HEX_ID_LENGTH = 32;
/** Before what has failed is asked again; milliseconds. */
const PAUSE_MS = 100;

export interface GroupMembershipOptions {
  /** Name of this member; unique unless given. */
  readonly id?: string;
  /** What others see of this member, in Curator's layout; kazoo's store the name there. */
  readonly data?: DataInput;
  /**
   * Whose names: `curator` (the default; GroupMember, `<path>/ID`), `kazoo` (Party, `<path>/HEX__party__` with the name
   * as data), or `kazoo shallow` (ShallowParty, `<path>/HEX-ID`).
   */
  readonly layout?: 'curator' | 'kazoo' | 'kazoo shallow';
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

export interface GroupMember {
  readonly id: string;
  readonly data: Uint8Array;
}

/**
 * Who belongs to a group at present. Each member is an ephemeral that is kept alive, so it goes with its process, at
 * the latest after the session timeout.
 *
 * **Connection loss.** A member stays while its session lives; others' lists may be old. **Session expiry.** The member
 * leaves, and joins again with the client's next session (see `PersistentNode`). Two members of Curator's layout with
 * one id: the later one waits until the first has left.
 */
export class GroupMembership {
  readonly path: string;
  readonly id: string;
  readonly #client: Client;
  readonly #layout: 'curator' | 'kazoo' | 'kazoo shallow';
  readonly #node: PersistentNode;

  constructor(client: Client, path: string, options: GroupMembershipOptions = {}) {
    checkRecipe('GroupMembership', client, path, options);
    const { id = client.uniqueId(), data = null, layout = 'curator', acl } = options;
    chosen('layout', layout, ['curator', 'kazoo', 'kazoo shallow']);
    if (id === '' || (layout !== 'kazoo' && id.includes('/'))) {
      throw new RangeError(`the id of a member must not be empty or hold a slash: '${id}'`);
    }
    this.path = path;
    this.id = id;
    this.#client = client;
    this.#layout = layout;
    const names = { curator: id, kazoo: `${client.uniqueId()}${PARTY}`, 'kazoo shallow': `${client.uniqueId()}-${id}` };
    this.#node = new PersistentNode(client, childPath(path, names[layout]), {
      data: layout === 'curator' ? data : id,
      ...(acl === undefined ? {} : { acl }),
    });
  }

  /** Joins, until `leave`; resolves when others can see it. */
  join(options: CallOptions = {}): Promise<void> {
    return this.#node.start(options);
  }

  /** Other data, in Curator's layout. */
  async setData(data: DataInput, options: CallOptions = {}): Promise<void> {
    if (this.#layout !== 'curator') throw new RangeError('members in the layouts of kazoo have no data');
    await this.#node.setData(data, options);
  }

  /** Leaves for good. */
  leave(): Promise<void> {
    return this.#node.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  /** The members, in the order in which they have joined, this one or not. */
  async members(options: CallOptions = {}): Promise<readonly GroupMember[]> {
    await using cache = new Cache(this.#client, this.path, { depth: 1 });
    await cache.start(options);
    return this.#membersOf(await cache.snapshot(options));
  }

  /**
   * The members, and again after every change; changes that follow one another faster than they are read become one.
   * However long there is no connection. Ends with its signal, or the client. @throws ZooKeeperError unimplemented or
   * connectionLoss from servers before 3.6.
   */
  async *watch(options: StreamOptions = {}): AsyncGenerator<readonly GroupMember[], void, undefined> {
    await using cache = await this.#follow(options);
    if (cache === null) return;
    for await (const nodes of cache.snapshots(options)) yield this.#membersOf(nodes);
  }

  /** Waits out what passes; null: it is over, with its signal or the client. */
  async #follow({ signal }: StreamOptions): Promise<Cache | null> {
    for (;;) {
      const cache = new Cache(this.#client, this.path, { depth: 1 });
      try {
        await cache.start(signal === undefined ? {} : { signal });
        return cache;
      } catch (error) {
        await cache.close();
        if (signal?.aborted === true && isZooKeeperError(error, 'aborted')) return null;
        if (this.#client.state === 'closed') return null;
        // A lost connection the client has made good, so it is the server that hangs up on what it does not know.
        if (!passesInTime(error) || error.code === 'connectionLoss') throw error;
        await pause(this.#client, PAUSE_MS);
      }
    }
  }

  #membersOf(nodes: ReadonlyMap<string, CachedNode>): GroupMember[] {
    const members: [order: number, member: GroupMember][] = [];
    for (const { path, data, stat } of nodes.values()) {
      const id = path === this.path ? null : this.#idOf(nameOf(path), data);
      if (id !== null) members.push([stat.czxid, { id, data: bytesOf(data) }]);
    }
    return members.sort(([a], [b]) => a - b).map(([, member]) => member);
  }

  #idOf(name: string, data: Uint8Array | null): string | null {
    if (this.#layout === 'curator') return name;
    if (this.#layout === 'kazoo') return name.includes(PARTY) ? textOf(data) : null;
    return name.charAt(HEX_ID_LENGTH) === '-' ? name.slice(HEX_ID_LENGTH + 1) : null;
  }
}
