import type { Edit } from '../planted/planted-bug.ts';

/** What keeps an entry from happening. */
export interface Guard {
  /** Where: file below `packages/server/src/` and what in it. */
  readonly where: string;
  /** Takes it out of the emitted code; the scenario must fail then. Null: nothing can be taken out, `why` says so. */
  readonly edits: readonly Edit[] | null;
  /** Why the entry cannot happen by design; null otherwise. */
  readonly why: string | null;
}

/** An entry of the catalogue of known failures, acted out. */
export interface Scenario {
  /** `S01`, with a letter behind it when an entry has several scenarios. */
  readonly id: string;
  readonly name: string;
  readonly guard: Guard;
  /** Throws when a law is broken, something expected does not come, or the dangerous state was not reached. */
  run(tell?: (line: string) => void): void;
}
