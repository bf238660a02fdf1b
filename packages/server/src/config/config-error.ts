/**
 * A configuration that cannot be served. `problems` has one sentence for each thing wrong, each naming the file and line
 * (or where else the value came from), the key, and what was expected.
 */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
