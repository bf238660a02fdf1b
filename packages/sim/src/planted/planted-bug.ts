/** One change of emitted code: `find` stands exactly once in the file. */
export interface Edit {
  readonly package?: 'server' | 'client' | 'recipes';
  /** Below its `dist/src/`. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

/** A bug put into the code on purpose, to see whether random seeds find it. */
export interface PlantedBug {
  readonly name: string;
  /** What it is known as (known-failures, quorum-protocol reference 14), and what goes wrong. */
  readonly source: string;
  /** Profile of seeds in which it is looked for, or, for recipes, the workload; null: any. */
  readonly profile: string | null;
  /** Whether the members of the ensemble change in the runs. */
  readonly reconfigure?: boolean;
  /** Whether disks lose, decay and lie in the runs. */
  readonly disk?: boolean;
  readonly edits: readonly Edit[];
}

/** A change of the emitted server. */
export function edit(file: string, find: string, put: string): Edit {
  return { file, find, put };
}
