import type { Difference } from './difference.ts';

/** A difference between Headkeeper and Apache ZooKeeper that is meant to be there. */
export interface Explanation {
  readonly id: string;
  readonly title: string;
  /** What Apache 3.9.5 does, what Headkeeper does, and why. */
  readonly reason: string;
  /** Recognises it in a random run; absent where the run never sends such requests. */
  readonly matches?: (difference: Difference) => boolean;
}

/**
 * The whole list. `docs/differences.md` is rendered from it (`main.js --write-docs`), and nothing else is accepted by the
 * differential test.
 */
export const EXPLANATIONS: readonly Explanation[] = [];

export function explanationOf(difference: Difference): string | null {
  for (const explanation of EXPLANATIONS) if (explanation.matches?.(difference) === true) return explanation.id;
  return null;
}
