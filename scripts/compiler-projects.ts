/**
 * The compiler's projects, and whether each names every project that its files import. One that does not is built in whatever
 * order the processors allow: where there are many nobody notices, and with one processor it fails.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface CompilerProject {
  /** Its configuration's path, relative to the root. */
  readonly config: string;
  /** Files and folders, relative to the root. */
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
  /** Configurations of the projects that are built before this one. */
  readonly references: readonly string[];
}

interface Configuration {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly references?: readonly { readonly path: string }[];
}

/** All projects that the root's configuration names. */
export function compilerProjects(root: string): CompilerProject[] {
  const read = (config: string): Configuration =>
    JSON.parse(readFileSync(path.join(root, config), 'utf8')) as Configuration;
  const named = (folder: string, { references = [] }: Configuration): string[] =>
    references.map((reference) => {
      const place = path.posix.join(folder, reference.path);
      return place.endsWith('.json') ? place : `${place}/tsconfig.json`;
    });
  return named('', read('tsconfig.json')).map((config) => {
    const folder = path.posix.dirname(config);
    const settings = read(config);
    const places = (patterns: readonly string[] = []): string[] =>
      patterns.map((pattern) => path.posix.join(folder, pattern.replace(/\/?\*\*\/\*\.ts$/, '')));
    return {
      config,
      includes: places(settings.include),
      excludes: places(settings.exclude),
      references: named(folder, settings),
    };
  });
}

/** A line for each pair of projects of which one imports the other and neither names it nor one that does. */
export function referenceProblems(
  imports: ReadonlyMap<string, readonly string[]>,
  projects: readonly CompilerProject[],
): string[] {
  const isIn = (file: string, places: readonly string[]): boolean =>
    places.some((place) => file === place || file.startsWith(`${place}/`));
  const projectOf = (file: string): CompilerProject | undefined =>
    projects.find(({ includes, excludes }) => isIn(file, includes) && !isIn(file, excludes));
  const before = (config: string, found: Set<string>): Set<string> => {
    if (found.has(config)) return found;
    found.add(config);
    for (const next of projects.find((project) => project.config === config)?.references ?? []) before(next, found);
    return found;
  };
  const problems = new Map<string, string>();
  for (const [file, targets] of imports) {
    const own = projectOf(file);
    if (own === undefined) continue;
    const known = before(own.config, new Set());
    for (const target of targets) {
      const other = projectOf(target);
      if (other === undefined || known.has(other.config)) continue;
      const problem = `${own.config} does not reference ${other.config}, which ${file} needs`;
      if (!problems.has(`${own.config} ${other.config}`)) problems.set(`${own.config} ${other.config}`, problem);
    }
  }
  return [...problems.values()];
}
