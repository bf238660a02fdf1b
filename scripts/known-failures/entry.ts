/** What is written down about an entry of the catalogue of known failures. */

/** A test of node's runner: its source below the root of the project, and its name as it stands there. */
export interface NamedTest {
  readonly file: string;
  /** Exactly as in `test('...')` or `it('...')`; a name made of parts is written with its `${}`. */
  readonly name: string;
}

/** A scripted ensemble of the simulator (`packages/sim/src/scenario`); it brings its guard with it. */
export interface ActedOut {
  /** Such as `S01`. */
  readonly scenario: string;
}

/** A program that is run by hand or in a slice by CI, where a test of node's runner is not the honest place. */
export interface Program {
  /** From the root of the project. */
  readonly command: string;
  /** Its source, which must be there. */
  readonly file: string;
  /** Which of the things it does are meant. */
  readonly part: string;
}

export type Proof = NamedTest | ActedOut | Program;

/** A change of emitted code: `find` stands exactly once in the file. */
export interface Edit {
  /** Of `packages`; `server` unless given. */
  readonly package?: 'server' | 'protocol' | 'client' | 'recipes' | 'testkit' | 'testing' | 'cli' | 'sim';
  /** Below its `dist/src/`. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

export interface Guard {
  /** From the root of the project, below some `packages/NAME/src/`. */
  readonly file: string;
  /** The line that guards, or the part of it that does, as it stands exactly once in the file. */
  readonly text: string;
  /** Take the guard out of the emitted code: at least one of the named tests must fail then. */
  readonly edits?: readonly Edit[];
}

export interface Entry {
  /** As in the catalogue. */
  readonly id: string;
  /** What goes wrong, in our own words. */
  readonly title: string;
  /** Empty: the entry is open. */
  readonly proofs: readonly Proof[];
  /** Not for scenarios, which bring theirs. Several where several keep it from happening together. */
  readonly guards?: readonly Guard[];
  /** Why this cannot happen by design; the guards are then the assertions of the design. */
  readonly byDesign?: string;
  /** What is missing: the entry is open, or its tests show a part of it. */
  readonly missing?: string;
}

/** Sections of the catalogue in its order, each with the number of its entries: they are numbered from 01 without gaps. */
export const SECTIONS: readonly { readonly letter: string; readonly title: string; readonly entries: number }[] = [
  { letter: 'E', title: 'Election', entries: 18 },
  { letter: 'S', title: 'Epochs and synchronisation', entries: 26 },
  { letter: 'D', title: 'Log and snapshots on disk', entries: 26 },
  { letter: 'X', title: 'Sessions and ephemerals', entries: 17 },
  { letter: 'W', title: 'Watches', entries: 13 },
  { letter: 'R', title: 'Reconfiguration', entries: 10 },
  { letter: 'C', title: 'What clients see', entries: 12 },
  { letter: 'O', title: 'Overload', entries: 13 },
  { letter: 'A', title: 'Security', entries: 23 },
];

/** All ids in the order of the catalogue. */
export const IDS: readonly string[] = SECTIONS.flatMap(({ letter, entries }) =>
  Array.from({ length: entries }, (_, i) => `${letter}${String(i + 1).padStart(2, '0')}`),
);
