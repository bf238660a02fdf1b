import type { Acl, Client } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { HoldLostError } from '../errors.ts';
import { Held } from '../held.ts';
import { type LineSpec, standInLine } from '../line/line.ts';
import { firstOf, type Participant, participantsOf } from '../line/participants.ts';
import type { Place } from '../line/place.ts';
import { type FindBlocker, predecessorAmong, waitForTurn } from '../line/turn.ts';
import { bounded, Wait, type WaitOptions } from '../wait.ts';

const MARKER = 'latch-';
const latchBlocker: FindBlocker = predecessorAmong([MARKER]);

export interface LeaderLatchOptions {
  /** What others see of this one; empty unless given. */
  readonly id?: string;
  /** Who may do what with the znode; everybody everything, unless given. */
  readonly acl?: readonly Acl[];
}

/** A time of leadership. */
export interface Leadership {
  /** The znode. */
  readonly path: string;
  /** Grows from leader to leader: the zxid that created the znode. See `Held.token`. */
  readonly token: number;
  /** The session it lives with. */
  readonly session: bigint;
  /** Aborted, with a HoldLostError, as soon as there may be another leader. */
  readonly signal: AbortSignal;
}

/**
 * One leader among all who joined, until it leaves or is lost; then the one who joined after it leads.
 *
 * - Each creates `PATH/_c_<uuid>-latch-NNNNNNNNNN` (ephemeral, sequential), whose data is its id. The lowest leads, the others
 *   watch the one before them.
 * - Connection loss: the leader leads on for as long as its session lives for certain; after that it is none, and it is one
 *   again, with the same token, if the session turns out to have lived. Session expiry: it joins again, as the last one.
 * - The same election as Curator's `LeaderLatch`.
 */
export class LeaderLatch {
  readonly path: string;
  readonly id: string;
  readonly #client: Client;
  readonly #spec: LineSpec;
  readonly #listeners: Set<() => void> = new Set();
  readonly #closing: AbortController = new AbortController();
  #running: Promise<void> | null = null;
  #leadership: LeadershipOf | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor(client: Client, path: string, options: LeaderLatchOptions = {}) {
    checkRecipe('LeaderLatch', client, path, options);
    const { id = '', acl } = options;
    this.path = path;
    this.id = id;
    this.#client = client;
    this.#spec = { directory: path, layout: 'curator', marker: MARKER, data: id, acl, findBlocker: latchBlocker };
  }

  get isLeader(): boolean {
    return this.#leadership !== null;
  }

  /** The leadership of this one; null while another leads or nobody surely does. */
  get leadership(): Leadership | null {
    return this.#leadership;
  }

  /** Joins those who can become leader. `lead` and `changes` do it, too. @throws Error after `close`. */
  join(): void {
    if (this.#closing.signal.aborted) throw new Error(`the leader latch of ${this.path} was closed`);
    this.#running ??= this.#run();
  }

  /**
   * Waits for the leadership; at once if it is there. When the wait is given up it goes on standing for election: `close` ends
   * that.
   *
   * @throws ZooKeeperError aborted, requestTimeout (`timeoutMs`), and what made it give up, such as closed and noAuth.
   */
  lead(options: WaitOptions = {}): Promise<Leadership> {
    return bounded(this.#client, 'lead', this.path, options, async (wait) => {
      for (;;) {
        this.join();
        if (this.#failure !== null) throw this.#failure.error;
        if (this.#leadership !== null) return this.#leadership;
        await wait.until((wake) => this.#listen(wake));
      }
    });
  }

  /**
   * Whether it leads, now and whenever that has changed, until it is closed or the signal is aborted; changes that follow one
   * another faster than they are read are left out.
   *
   * @throws ZooKeeperError what made it give up, such as closed and noAuth.
   */
  async *changes(options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<boolean, void, undefined> {
    const { signal } = options;
    let last: Leadership | null | undefined;
    let wake: () => void = () => {};
    const tell = (): void => wake();
    const isOver = (): boolean => signal?.aborted === true || this.#closing.signal.aborted;
    signal?.addEventListener('abort', tell);
    const unsubscribe = this.#listen(tell);
    try {
      while (!isOver()) {
        this.join();
        if (this.#failure !== null) throw this.#failure.error;
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const now = this.#leadership;
        if (last === undefined || (now === null) !== (last === null)) {
          last = now;
          yield now !== null;
        }
        if (!isOver()) await changed;
      }
    } finally {
      unsubscribe();
      signal?.removeEventListener('abort', tell);
    }
  }

  /** Who leads, by the servers; null when nobody stands for election. */
  leader(): Promise<Participant | null> {
    return firstOf(this.#client, this.path, [MARKER]);
  }

  /** All who stand for election, the leader first. */
  participants(): Promise<Participant[]> {
    return participantsOf(this.#client, this.path, [MARKER]);
  }

  /** Leads no more and stands for election no more; resolves when the next one can lead. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#change(null);
    this.#tell();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const wait = new Wait(this.#client, 'lead', this.path, { signal: this.#closing.signal });
    let place: Place | null = null;
    try {
      for (;;) {
        place ??= await standInLine(this.#client, this.#spec, wait);
        if (!(await waitForTurn(this.#client, place, latchBlocker, wait))) {
          place = null;
          continue;
        }
        wait.check();
        await this.#leadUntilLost(new Held(this.#client, place), wait);
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#failure = { error };
      this.#change(null);
      this.#tell();
    } finally {
      wait.end();
      await place?.remove().catch(() => {});
    }
  }

  async #leadUntilLost(held: Held, wait: Wait): Promise<void> {
    const leadership = new LeadershipOf(held);
    this.#change(leadership);
    try {
      await wait.until((wake) => {
        const lost = (): void => {
          this.#change(null);
          wake();
        };
        leadership.signal.addEventListener('abort', lost);
        return () => leadership.signal.removeEventListener('abort', lost);
      });
    } catch (error) {
      void held.release().catch(() => {});
      throw error;
    }
  }

  #change(leadership: LeadershipOf | null): void {
    const previous = this.#leadership;
    if (previous === leadership) return;
    this.#leadership = leadership;
    previous?.end();
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}

class LeadershipOf implements Leadership {
  readonly path: string;
  readonly token: number;
  readonly session: bigint;
  readonly #controller: AbortController = new AbortController();

  constructor(held: Held) {
    this.path = held.path;
    this.token = held.token;
    this.session = held.session;
    held.signal.addEventListener('abort', () => this.#controller.abort(held.signal.reason), { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Its own side gives it up; nothing if it was lost before. */
  end(): void {
    this.#controller.abort(new HoldLostError('givenUp', this.path));
  }
}
