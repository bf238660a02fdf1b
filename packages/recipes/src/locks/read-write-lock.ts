import { type Client, isZooKeeperError } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { chosen } from '../chosen.ts';
import { Held, type Lock, runUnder } from '../held.ts';
import { type Contender, contendersOf, LAYOUTS, type Layout, parseContender, prefixFor } from '../line/contenders.ts';
import { acquireInLine, type ContenderOptions, type LineSpec, tryAcquireInLine } from '../line/line.ts';
import { Place } from '../line/place.ts';
import type { FindBlocker } from '../line/turn.ts';
import { Wait, type WaitOptions } from '../wait.ts';
import { childPath, nameOf } from '../znode-name.ts';

interface Markers {
  readonly read: string;
  readonly write: string;
}

const MARKERS: Readonly<Record<Layout, Markers>> = {
  curator: { read: '__READ__', write: '__WRIT__' },
  kazoo: { read: '__rlock__', write: '__lock__' },
};

/**
 * A lock that many hold together for reading, or one alone for writing, in the order in which they asked.
 *
 * - `PATH/_c_<uuid>-__READ__NNNNNNNNNN` and `PATH/_c_<uuid>-__WRIT__NNNNNNNNNN` (ephemeral, sequential) in one directory. A
 *   reader waits for the nearest writer before it, a writer for whoever is right before it, and each watches that one alone.
 * - A writer can become a reader without a gap: `downgrade`. The other way there is none, two readers would wait for one
 *   another.
 * - Connection loss and session expiry: as with `Mutex`. Not re-entrant.
 * - The same lock as Curator's `InterProcessReadWriteLock`. With `layout: 'kazoo'` the names are those of kazoo's `ReadLock`
 *   and `WriteLock`, and it is the same lock as theirs.
 */
export class ReadWriteLock {
  readonly path: string;
  /** For those who only look. */
  readonly read: SideLock;
  /** For the one who changes. */
  readonly write: SideLock;
  readonly #client: Client;
  readonly #options: ContenderOptions;

  constructor(client: Client, path: string, options: ContenderOptions = {}) {
    checkRecipe('ReadWriteLock', client, path, options);
    const { layout = 'curator', data = null, acl } = options;
    const markers = MARKERS[chosen('layout', layout, LAYOUTS)];
    const common = { directory: path, layout, data, acl };
    this.path = path;
    this.#client = client;
    this.#options = options;
    this.read = new SideLock(client, { ...common, marker: markers.read, findBlocker: readBlocker(markers) });
    this.write = new SideLock(client, { ...common, marker: markers.write, findBlocker: writeBlocker(markers) });
  }

  /**
   * Turns a held write lock into a read lock, in one transaction: other readers come in, no writer gets in between. The write
   * lock is released with it, its token stays. Lost connections are waited out.
   *
   * @throws HoldLostError when the write lock was lost; ZooKeeperError noNode (it was released), noAuth.
   */
  async downgrade(held: Held): Promise<Held> {
    held.signal.throwIfAborted();
    const { layout = 'curator', data = null, acl } = this.#options;
    const client = this.#client;
    const name = nameOf(held.path);
    const writer = parseContender(name, [MARKERS[layout].write]);
    if (writer === null || held.path !== childPath(this.path, name)) {
      throw new TypeError(`${held.path} is no write lock of ${this.path}`);
    }
    // The writer's number: the reader takes its place in the line.
    const readName = prefixFor(layout, client.uniqueId(), MARKERS[layout].read) + writer.digits;
    const readPath = childPath(this.path, readName);
    const { session } = held;
    const wait = new Wait(client, 'downgrade', this.path, {});
    for (let isInDoubt = false; ; ) {
      try {
        if (isInDoubt) {
          await client.sync(this.path, { session });
          isInDoubt = (await client.exists(readPath, { session })) !== null;
        }
        if (!isInDoubt) {
          const create = { mode: 'ephemeral', ...(acl === undefined ? {} : { acl }) } as const;
          await client.transaction().create(readPath, data, create).delete(held.path).commit({ session });
        }
        await held.release();
        // The writer's token: with the one of its new znode it would look younger than writers that came into line after it.
        return new Held(client, new Place(client, this.path, readName, session, held.token));
      } catch (error) {
        if (isZooKeeperError(error, 'sessionExpired')) held.signal.throwIfAborted();
        // Had the transaction been made and only its answer or the look at its result been lost, the reader is there.
        isInDoubt = true;
        await wait.afterFailure(error);
      }
    }
  }
}

/** One side of a `ReadWriteLock`. */
export class SideLock implements Lock {
  readonly #client: Client;
  readonly #spec: LineSpec;

  /** @internal */
  constructor(client: Client, spec: LineSpec) {
    this.#client = client;
    this.#spec = spec;
  }

  /** Waits for the lock. @throws ZooKeeperError aborted, requestTimeout (`timeoutMs`), closed, noAuth. */
  acquire(options: WaitOptions = {}): Promise<Held> {
    return acquireInLine(this.#client, this.#spec, options);
  }

  /** The lock, or null when one would have to wait for somebody. */
  tryAcquire(options: WaitOptions = {}): Promise<Held | null> {
    return tryAcquireInLine(this.#client, this.#spec, options);
  }

  /** Runs something while the lock is held. @throws HoldLostError when it was lost before the work was done. */
  async run<T>(work: (held: Held) => Promise<T> | T, options: WaitOptions = {}): Promise<T> {
    return runUnder(await this.acquire(options), work);
  }
}

/** The nearest writer before it. */
function readBlocker({ read, write }: Markers): FindBlocker {
  return (children, own) => {
    const before = lineBefore(children, own, [read, write]).filter(({ marker }) => marker === write);
    const nearest = before.at(-1);
    return nearest === undefined ? null : { name: nearest.name, isLast: before.length === 1 };
  };
}

/** Whoever is right before it. When that one goes, a reader may have come in its place: a writer that was downgraded. */
function writeBlocker({ read, write }: Markers): FindBlocker {
  return (children, own) => {
    const nearest = lineBefore(children, own, [read, write]).at(-1);
    return nearest === undefined ? null : { name: nearest.name, isLast: false };
  };
}

function lineBefore(children: readonly string[], own: string, markers: readonly string[]): readonly Contender[] {
  const line = contendersOf(children, markers);
  return line.slice(
    0,
    line.findIndex(({ name }) => name === own),
  );
}
