import { type Acl, type Client, isZooKeeperError } from '@headkeeper/client';
import { checkRecipe } from '../checked.ts';
import { Held } from '../held.ts';
import { Ear, untilGone } from '../line/ear.ts';
import { type Place, takePlace } from '../line/place.ts';
import { bounded, type Wait, type WaitOptions } from '../wait.ts';
import { childPath } from '../znode-name.ts';

const READY = 'ready';

export interface DoubleBarrierOptions {
  /** What the znode of this member says; empty unless given. */
  readonly id?: string;
  /** Who may do what with the znode; everybody everything, unless given. */
  readonly acl?: readonly Acl[];
}

/**
 * Lets a number of members begin together and end together: nobody is in before all have come, and nobody is out before all
 * have left.
 *
 * - Each member creates `PATH/<32 hex>` (ephemeral); the one that sees all of them creates `PATH/ready` (persistent), which
 *   lets everybody in. Leaving: all but the lowest delete their znodes and watch the lowest, which watches the highest, until
 *   it is alone; then `ready` is deleted.
 * - A member whose session ends counts no more: while others wait to come in, a new one has to come in its place; when they
 *   wait to leave, it has left. Whoever comes while others are inside is let in, and may be alone a moment later if they
 *   were just leaving; when all have died there, whoever comes next deletes `ready`.
 * - Connection loss: those who wait go on when the connection is back. Session expiry: a member that waits to come in comes
 *   again; the signal of one that is inside is aborted, and it can still leave, to wait for the others.
 * - The same barrier as Curator's `DistributedDoubleBarrier` and kazoo's `DoubleBarrier`. kazoo deletes `ready` when the first
 *   leaves, and counts it as a member: with kazoo among the members use a path once.
 */
export class DoubleBarrier {
  readonly path: string;
  readonly members: number;
  readonly #client: Client;
  readonly #options: DoubleBarrierOptions;
  /** Settles when nothing is left of the attempts to come that were given up. */
  #removal: Promise<unknown> = Promise.resolve();

  /**
   * @param members How many have to come; all have to agree.
   * @throws RangeError when it is no whole number from 1 on.
   */
  constructor(client: Client, path: string, members: number, options: DoubleBarrierOptions = {}) {
    checkRecipe('DoubleBarrier', client, path, options);
    if (!Number.isSafeInteger(members) || members < 1) {
      throw new RangeError(`a double barrier has a whole number of members from 1 on, not ${members}`);
    }
    this.path = path;
    this.members = members;
    this.#client = client;
    this.#options = options;
  }

  /**
   * Comes, and waits for all others to come.
   *
   * @throws ZooKeeperError aborted, requestTimeout (`timeoutMs`), closed, noAuth; one has not come then.
   */
  enter(options: WaitOptions = {}): Promise<BarrierMember> {
    return bounded(this.#client, 'enter', this.path, options, async (wait) => {
      for (;;) {
        // Whoever comes again while his former znode is still there would count twice.
        await this.#untilRemoved(wait);
        // Heard from before the others can count this one: none of them is so fast that its `ready` is missed.
        const ready = new Ear(this.#client, childPath(this.path, READY));
        try {
          if ((await this.#isReady(ready, wait)) && (await this.#isDeserted(wait))) {
            await untilDeleted(this.#client, childPath(this.path, READY), wait);
            continue;
          }
          const place = await this.#come(wait);
          let isIn = false;
          try {
            isIn = await this.#whenAllCame(place, ready, wait);
          } finally {
            if (!isIn) this.#removes(place.remove());
          }
          if (isIn) return new BarrierMember(this.#client, this.path, place, new Held(this.#client, place));
        } finally {
          ready.end();
        }
      }
    });
  }

  async #isReady(ready: Ear, wait: Wait): Promise<boolean> {
    const path = childPath(this.path, READY);
    for (;;) {
      try {
        return (await this.#client.exists(path, { signal: wait.signal, watch: ready.watch })) !== null;
      } catch (error) {
        await wait.afterFailure(error);
      }
    }
  }

  /** Whether nobody is inside: all members have died there, and `ready` is from the round before. */
  async #isDeserted(wait: Wait): Promise<boolean> {
    return (await membersOf(this.#client, this.path, wait)).members.length === 0;
  }

  #come(wait: Wait): Promise<Place> {
    const { id = '', acl } = this.#options;
    const spec = {
      directory: this.path,
      prefix: this.#client.uniqueId(),
      mode: 'ephemeral',
      data: id,
      acl,
      layout: 'curator',
      onTraces: (removal: Promise<void>) => this.#removes(removal),
    } as const;
    return takePlace(this.#client, spec, wait);
  }

  #untilRemoved(wait: Wait): Promise<void> {
    return wait.until((wake) => {
      void this.#removal.then(wake);
      return () => {};
    });
  }

  #removes(removal: Promise<void>): void {
    this.#removal = Promise.allSettled([this.#removal, removal]);
  }

  /** False: the own znode has gone, with its session, or the round that was under way is over; one has to come again. */
  async #whenAllCame(place: Place, ready: Ear, wait: Wait): Promise<boolean> {
    const { session } = place;
    const options = { session, signal: wait.signal };
    for (;;) {
      if (isOpened(ready)) return true;
      try {
        const { children } = await this.#client.getChildren(this.path, options);
        if (isOpened(ready)) return true;
        if (!children.includes(place.name)) return false;
        // It was open before: others have to be inside, for whose sake this one is let in.
        if (children.includes(READY)) return children.length > 2;
        if (children.length < this.members) {
          // Whoever comes last sees all the others, and tells them.
          if ((await ready.event(wait)) !== 'created') return false;
        } else await this.#client.create(childPath(this.path, READY), null, options);
      } catch (error) {
        if (isZooKeeperError(error, 'noNode', 'sessionExpired')) return false;
        if (!isZooKeeperError(error, 'nodeExists')) await wait.afterFailure(error);
      }
    }
  }
}

/** A member that is inside a `DoubleBarrier`. */
export class BarrierMember {
  readonly #client: Client;
  readonly #path: string;
  readonly #place: Place;
  readonly #held: Held;
  /** Who was there while the barrier was open and this one inside, as of the last look; null: nobody was seen yet. */
  #round: readonly string[] | null = null;

  /** @internal */
  constructor(client: Client, path: string, place: Place, held: Held) {
    this.#client = client;
    this.#path = path;
    this.#place = place;
    this.#held = held;
    // It may be closed too early, by an old request of the round before; then nobody could tell any more who belongs here.
    client.getChildren(path).then(({ children }) => {
      if (children.includes(READY)) this.#round ??= membersAmong(children);
    }, ignoreFailure);
  }

  /** Aborted, with a HoldLostError, as soon as the others may take this one for one that has left. */
  get signal(): AbortSignal {
    return this.#held.signal;
  }

  /**
   * Leaves, and waits for all others to leave.
   *
   * @throws ZooKeeperError aborted, requestTimeout (`timeoutMs`), closed, noAuth; one has left then, and can wait again.
   */
  async leave(options: WaitOptions = {}): Promise<void> {
    try {
      await bounded(this.#client, 'leave', this.#path, options, (wait) => this.#leave(wait));
    } finally {
      void this.#held.release().catch(() => {});
    }
  }

  /** Leaves without waiting for the others. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.release();
  }

  async #leave(wait: Wait): Promise<void> {
    const client = this.#client;
    const { name } = this.#place;
    for (;;) {
      const { members, isOpen } = await membersOf(client, this.#path, wait);
      const isIn = members.includes(name);
      if ((isIn && isOpen) || (this.#round === null && (isIn || isOpen))) this.#round = members;
      // Who comes to a closed barrier, or has opened it anew since, may wait for this one: nobody may wait for him.
      const round = this.#round ?? [];
      const staying = members.filter((member) => round.includes(member));
      const [lowest] = staying;
      const highest = staying.at(-1);
      if (lowest === undefined || highest === undefined) {
        // The last one inside closes it.
        if (members.length > 0) return;
        break;
      }
      if (lowest !== name) {
        await this.#held.release();
        await untilGone(client, childPath(this.#path, lowest), wait);
      } else if (highest === name) await this.#held.release();
      else await untilGone(client, childPath(this.#path, highest), wait);
    }
    await untilDeleted(client, childPath(this.#path, READY), wait);
  }
}

function isOpened(ready: Ear): boolean {
  return ready.heard === 'created';
}

/** Who has not left yet, in the order of the names, and whether the barrier is open. */
async function membersOf(
  client: Client,
  path: string,
  wait: Wait,
): Promise<{ readonly members: readonly string[]; readonly isOpen: boolean }> {
  for (;;) {
    try {
      const { children } = await client.getChildren(path, { signal: wait.signal });
      return { members: membersAmong(children), isOpen: children.includes(READY) };
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) return { members: [], isOpen: false };
      await wait.afterFailure(error);
    }
  }
}

function membersAmong(children: readonly string[]): readonly string[] {
  return children.filter((name) => name !== READY).sort();
}

/** Who leaves looks again. */
function ignoreFailure(): void {}

async function untilDeleted(client: Client, path: string, wait: Wait): Promise<void> {
  for (;;) {
    try {
      await client.delete(path, { signal: wait.signal });
      return;
    } catch (error) {
      if (isZooKeeperError(error, 'noNode')) return;
      await wait.afterFailure(error);
    }
  }
}
