import { isZooKeeperError } from '@headkeeper/client';
import type { RecipeCounts } from '../recipe-counts.ts';
import type { Actor } from '../workload.ts';

/**
 * Changes of one kind, by what their callers know of them: made, not made, or one cannot say, because the answer was lost or
 * the caller died over it.
 */
export class Attempts {
  readonly #counts: RecipeCounts;
  made = 0;
  #unknown = 0;
  readonly #underWay: Set<Actor> = new Set();

  constructor(counts: RecipeCounts) {
    this.#counts = counts;
  }

  /** How many may have been made without anybody knowing. */
  get unknown(): number {
    return this.#unknown + this.#underWay.size;
  }

  /** One process has one attempt of a kind at a time. */
  async attempt<T>(actor: Actor, change: () => Promise<T>): Promise<T> {
    this.#underWay.add(actor);
    try {
      const result = await change();
      this.made++;
      return result;
    } catch (error) {
      if (isZooKeeperError(error) && error.outcome === 'unknown') {
        this.#unknown++;
        this.#counts.unknownOutcomes++;
      }
      throw error;
    } finally {
      this.#underWay.delete(actor);
    }
  }
}
