import {
  type Acl,
  type CallOptions,
  type Client,
  type DataInput,
  isZooKeeperError,
  type Stat,
} from '@headkeeper/client';
import { Alarm, pause } from '../alarm.ts';
import { checkRecipe } from '../checked.ts';
import { ensureThere, isDoubtful, passesAtServers, passesInTime } from '../passing.ts';
import { Wait } from '../wait.ts';
import { parentPath } from '../znode-name.ts';

const PAUSE_MS = 100;

export interface PersistentNodeOptions {
  readonly data?: DataInput;
  /**
   * When the znode belongs to another session at the start: `wait` until it goes (the default), or `replace` it. Later
   * it is waited for in any case, so that two of one path do not replace each other for ever. One's own of a session
   * before is always replaced.
   */
  readonly ifTaken?: 'wait' | 'replace';
  /** Of what is created; open unless given. */
  readonly acl?: readonly Acl[];
}

/**
 * An ephemeral that is made again whenever it is gone: deleted by somebody, or with its session. Curator's
 * PersistentNode.
 *
 * **Guarantee.** While the client is connected and this has not been closed, the znode is there, with the data last
 * set, up to the time it takes to make it again. It goes with the process, at the latest after the session timeout.
 *
 * **Connection loss.** The znode stays while the session lives; whether a lost creation was made is found out.
 * **Session expiry.** The servers remove the znode; it is made again in the next session, if the client begins one.
 */
export class PersistentNode {
  readonly path: string;
  readonly #client: Client;
  #isReplacing: boolean;
  readonly #acl: { readonly acl?: readonly Acl[] };
  readonly #ownSessions: Set<bigint> = new Set();
  #data: DataInput;
  #isDataDue = false;
  /** The answer to a creation was lost. */
  #isInDoubt = false;
  #isThere = false;
  #isClosed = false;
  #failure: unknown = null;
  #running: Promise<void> | null = null;
  /** The loop has to look again. */
  readonly #stirred: Alarm = new Alarm();
  /** Callers have to look again. */
  readonly #settled: Alarm = new Alarm();

  constructor(client: Client, path: string, options: PersistentNodeOptions = {}) {
    checkRecipe('PersistentNode', client, path, options);
    const { data = null, ifTaken = 'wait', acl } = options;
    this.path = path;
    this.#client = client;
    this.#data = data;
    this.#isReplacing = ifTaken === 'replace';
    this.#acl = acl === undefined ? {} : { acl };
  }

  /** Whether it is there, as far as is known. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /**
   * Begins; resolves when the znode is there. @throws ZooKeeperError aborted, requestTimeout, noAuth, closed and the
   * like.
   */
  async start(options: CallOptions = {}): Promise<void> {
    this.#running ??= this.#run();
    using wait = new Wait(this.#client, 'start', this.path, options);
    await this.#until(() => this.#isThere, wait);
  }

  /** Other data, now and whenever it is made again; resolves when it is stored. */
  async setData(data: DataInput, options: CallOptions = {}): Promise<void> {
    this.#data = data;
    this.#isDataDue = true;
    this.#stirred.ring();
    using wait = new Wait(this.#client, 'setData', this.path, options);
    await this.#until(() => !this.#isDataDue, wait);
  }

  /** Removes the znode and keeps it no longer. Resolves when it is gone, or will be with its session. */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#stirred.ring();
    }
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const stopListening = this.#client.onEvent((event) => {
      if (event.type === 'sessionExpired') this.#isThere = false;
      if (event.type !== 'disconnected') this.#stirred.ring();
    });
    try {
      while (!this.#isClosed) await this.#step();
      await this.#remove();
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#isThere = false;
      this.#isClosed = true;
      stopListening();
      this.#client.unwatch(this.path, this.#stirred.ring);
      this.#settled.ring();
    }
  }

  /** Looks, makes right what is wrong, and waits when nothing is. */
  async #step(): Promise<void> {
    const session = this.#client.session.id;
    const stirred = this.#stirred.next;
    if (session === 0n) {
      // Rejected when the client is of no more use.
      if (this.#client.state !== 'connecting') await this.#client.exists(this.path);
      else await stirred;
      return;
    }
    try {
      const stat = await this.#client.exists(this.path, { watch: this.#stirred.ring, session });
      this.#isThere = stat?.ephemeralOwner === session;
      if (this.#isThere) {
        this.#isReplacing = false;
        if (!this.#ownSessions.has(session)) {
          // Another one of this client has left it, with data of its own.
          this.#ownSessions.add(session);
          this.#isDataDue = true;
        }
      }
      if (stat === null) await this.#create(session);
      else if (this.#isThere && this.#isDataDue) await this.#store(session);
      else if (!this.#isThere && (this.#isReplacing || this.#ownSessions.has(stat.ephemeralOwner))) {
        await this.#replace(stat.version, session);
      } else {
        this.#settled.ring();
        await stirred;
      }
    } catch (error) {
      if (isZooKeeperError(error, 'noNode', 'nodeExists', 'badVersion')) return;
      if (isDoubtful(error)) this.#isInDoubt = true;
      if (!passesInTime(error)) throw error;
      await pause(this.#client, PAUSE_MS);
    }
  }

  /** In one step, so that whoever keeps the other one cannot come in between. */
  async #replace(version: number, session: bigint): Promise<void> {
    const create = { mode: 'ephemeral', ...this.#acl } as const;
    this.#ownSessions.add(session);
    // Should the answer be lost, the data is stored again.
    this.#isDataDue = true;
    await this.#client
      .transaction()
      .delete(this.path, { version })
      .create(this.path, this.#data, create)
      .commit({ session });
  }

  async #create(session: bigint): Promise<void> {
    const data = this.#data;
    try {
      await this.#client.create(this.path, data, { mode: 'ephemeral', session, ...this.#acl });
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) {
        await ensureThere(this.#client, parentPath(this.path), this.#acl.acl);
        return;
      }
      // It may have been made with this data or with data of before.
      if (passesAtServers(error)) this.#isDataDue = true;
      throw error;
    } finally {
      this.#ownSessions.add(session);
    }
    if (data === this.#data) this.#isDataDue = false;
  }

  async #store(session: bigint): Promise<void> {
    const data = this.#data;
    await this.#client.setData(this.path, data, { session });
    if (data === this.#data) this.#isDataDue = false;
  }

  /**
   * A znode whose creation is in doubt is looked for, too, and waited for, as it may still be on its way: nobody else would
   * remove it while the session lives.
   */
  async #remove(): Promise<void> {
    for (;;) {
      const session = this.#client.session.id;
      try {
        if (this.#isInDoubt) await this.#client.sync(this.path);
        const stat: Stat | null = await this.#client.exists(this.path);
        if (stat === null || !this.#ownSessions.has(stat.ephemeralOwner)) return;
        await this.#client.delete(this.path, { version: stat.version, session });
      } catch (error) {
        if (isZooKeeperError(error, 'noNode', 'closed', 'authFailed')) return;
        if (!passesInTime(error) && !isZooKeeperError(error, 'badVersion')) throw error;
        await pause(this.#client, PAUSE_MS);
      }
    }
  }

  async #until(isSo: () => boolean, wait: Wait): Promise<void> {
    for (;;) {
      const settled = this.#settled.next;
      if (isSo()) return;
      if (this.#failure !== null) throw this.#failure;
      if (this.#isClosed) throw new Error(`the persistent node ${this.path} was closed`);
      await wait.event(settled);
    }
  }
}
