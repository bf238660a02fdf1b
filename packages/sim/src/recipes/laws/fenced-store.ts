import { law, zxidText } from '../../check/violation.ts';
import { EventKind } from '../../world/event-queue.ts';
import { MS, SECOND, type World } from '../../world/world.ts';
import type { Grant } from '../grant.ts';
import type { GrantRecord } from '../grant-record.ts';
import type { RecipeCounts } from '../recipe-counts.ts';
import type { Stage } from '../workload.ts';
import type { LockWatch } from './lock-watch.ts';

/** Mean time of a write on its way, while the network is as it should be and, at times, in a storm. */
const DELAYS = [MS, MS, 50 * MS] as const;
const STORMY_DELAY = 5 * SECOND;

/** A store outside of the ensemble that takes no write with a token older than one that it has seen. */
export class FencedStore {
  readonly #world: World;
  readonly #locks: LockWatch;
  readonly #counts: RecipeCounts;
  readonly #record: GrantRecord;
  readonly #name: string;
  readonly #isStormy: () => boolean;
  #newest = 0;

  /** `name`: of the lock whose tokens it checks. */
  constructor(name: string, locks: LockWatch, { world, counts, record, isStormy }: Stage) {
    this.#name = name;
    this.#record = record;
    this.#world = world;
    this.#locks = locks;
    this.#counts = counts;
    this.#isStormy = isStormy;
  }

  /** Sends a write, which arrives when it does; `answered` hears whether it was taken. */
  write(grant: Grant, answered: (isTaken: boolean) => void): void {
    const { node } = grant;
    const { life } = node;
    const random = this.#world.stream('store');
    const id = this.#record.writes(this.#name, grant);
    // Holders wait for the answer, and others for the holders: later that would look like a wake-up that is lost.
    const there = random.wait(random.pick(this.#isStormy() ? [...DELAYS, STORMY_DELAY] : DELAYS));
    this.#world.after(there, EventKind.client, node.host.index, () => {
      const isTaken = grant.token >= this.#newest;
      if (isTaken) this.#counts.fencedWrites++;
      else this.#counts.fencedOff++;
      law(isTaken || !this.#locks.isSound(grant), 'fencing', () => {
        return `${node.name} holds the lock with token ${zxidText(grant.token)}, the store has seen ${zxidText(this.#newest)}`;
      });
      this.#newest = Math.max(this.#newest, grant.token);
      this.#world.after(random.wait(MS), EventKind.client, node.host.index, () => {
        if (node.life !== life) return;
        this.#record.written(id, grant, isTaken);
        node.dispatch(() => answered(isTaken));
      });
    });
  }
}
