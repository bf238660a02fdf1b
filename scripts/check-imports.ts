/**
 * Fails when a file imports against the plan in import-rules.ts: upward, in a cycle (types included), past a package's
 * doors, without the dependency in its manifest, or without the reference in its compiler project; and when a pure zone
 * names a clock or another impure thing.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type CompilerProject, compilerProjects, referenceProblems } from './compiler-projects.ts';
import { impureWords, strangers, type Zone, zones } from './import-rules.ts';
import {
  isMain,
  type ProjectPackage,
  projectFiles,
  projectPackages,
  projectRoot,
  reportProblems,
} from './project-files.ts';
import { importsOf, importTarget, lineAt, type SourceText, scanSource } from './source-text.ts';

export interface ImportPlan {
  readonly zones: Readonly<Record<string, Zone>>;
  readonly packages: readonly ProjectPackage[];
  readonly projects: readonly CompilerProject[];
  /** Path to text, TypeScript and JavaScript files only. */
  readonly files: ReadonlyMap<string, string>;
}

/** The zone a file belongs to: the entry with the longest matching place. */
export function zoneOf(file: string, plan: Readonly<Record<string, Zone>>): string | null {
  let best: string | null = null;
  for (const [name, zone] of Object.entries(plan)) {
    if (file !== zone.at && !file.startsWith(`${zone.at}/`)) continue;
    if (best === null || zone.at.length > plan[best]!.at.length) best = name;
  }
  return best;
}

/** Names in a ring, or null when the directed graph has none. */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const trail: string[] = [];
  const onTrail = new Set<string>();
  const visit = (node: string): string[] | null => {
    if (onTrail.has(node)) return [...trail.slice(trail.indexOf(node)), node];
    if (done.has(node)) return null;
    trail.push(node);
    onTrail.add(node);
    for (const next of edges.get(node) ?? []) {
      const ring = visit(next);
      if (ring !== null) return ring;
    }
    trail.pop();
    onTrail.delete(node);
    done.add(node);
    return null;
  };
  for (const node of edges.keys()) {
    const ring = visit(node);
    if (ring !== null) return ring;
  }
  return null;
}

function packageOf(file: string, packages: readonly ProjectPackage[]): ProjectPackage {
  return packages.find((p) => p.folder !== '' && file.startsWith(`${p.folder}/`)) ?? packages[0]!;
}

/** The source file behind a door such as `@headkeeper/server/internal`, or null when the manifest exports no such door. */
function doorOf(owner: ProjectPackage, subpath: string): string | null {
  const target = owner.manifest.exports?.[subpath]?.default;
  if (target === undefined) return null;
  return `${owner.folder}/${target.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts')}`;
}

/** The source behind a `#name` of the manifest's `imports`, or null when it has no such name. */
function privateNameOf(owner: ProjectPackage, specifier: string): string | null {
  for (const [name, target] of Object.entries(owner.manifest.imports ?? {})) {
    const [before = '', after] = name.split('*');
    if (after === undefined ? specifier !== name : !specifier.startsWith(before)) continue;
    const emitted = target.replace('*', specifier.slice(before.length)).replace(/^\.\//, '');
    return path.posix.join(owner.folder, emitted.replace(/(^|\/)dist\//, '$1').replace(/\.js$/, '.ts'));
  }
  return null;
}

function impureProblems(source: SourceText): string[] {
  const problems: string[] = [];
  for (const [word, instead] of Object.entries(impureWords)) {
    const pattern = new RegExp(`(?<![\\w$.])${word.replace('.', '\\s*\\.\\s*')}(?![\\w$])`, 'g');
    const method = new RegExp(`\\.${word}\\s*\\(`, 'g');
    const forms = word.includes('.')
      ? [pattern]
      : [pattern, ...(word.startsWith('to') || word.startsWith('locale') ? [method] : [])];
    for (const form of forms) {
      for (const match of source.code.matchAll(form)) {
        // A property or parameter of that name is no use of the global: `Date:` in a type, `async` as a key.
        if (/^\s*[?]?:/.test(source.code.slice(match.index + match[0].length))) continue;
        problems.push(`${source.path}:${lineAt(source.raw, match.index)} pure code names ${word}: ${instead}`);
      }
    }
  }
  return problems;
}

/** All problems, in the order of the files. */
export function importProblems(plan: ImportPlan): string[] {
  const problems: string[] = [];
  const zoneEdges = new Map(
    Object.entries(plan.zones).map(([name, zone]) => [name, [...zone.may, ...(zone.types ?? [])]]),
  );
  for (const [name, zone] of Object.entries(plan.zones)) {
    for (const other of [...zone.may, ...(zone.types ?? [])])
      if (!plan.zones[other]) problems.push(`the table lets ${name} import ${other}, which is no zone`);
  }
  const zoneRing = findCycle(zoneEdges);
  if (zoneRing !== null) problems.push(`the table itself has a cycle: ${zoneRing.join(' -> ')}`);

  const root = plan.packages[0]!;
  const fileEdges = new Map<string, string[]>();
  for (const [file, text] of plan.files) {
    const source = scanSource(file, text);
    const zoneName = zoneOf(file, plan.zones);
    if (zoneName === null) {
      problems.push(`${file} belongs to no zone of import-rules.ts`);
      continue;
    }
    const zone = plan.zones[zoneName]!;
    if (zone.pure === true) problems.push(...impureProblems(source));
    const own = packageOf(file, plan.packages);
    const isSource = file.startsWith(`${own.folder}/src/`) || file.startsWith(`${own.folder}/bin/`);
    const targets: string[] = [];
    fileEdges.set(file, targets);

    for (const imported of importsOf(source)) {
      const { specifier, line, typeOnly } = imported;
      const where = `${file}:${line}`;
      let target: string;
      if (specifier.startsWith('node:')) {
        if (!zone.node) problems.push(`${where} ${zoneName} must not import ${specifier}`);
        continue;
      }
      if (specifier.startsWith('.')) {
        target = importTarget(file, imported);
        if (packageOf(target, plan.packages) !== own && own.folder !== '') {
          problems.push(`${where} reaches into another package by path: ${specifier}`);
          continue;
        }
        if (!plan.files.has(target)) {
          if (!/\.(json|node|wasm|txt|cfg|bin|properties)$/.test(specifier) && /\.[cm]?[jt]s$/.test(specifier)) {
            problems.push(`${where} imports ${specifier}, which is not there`);
          }
          continue;
        }
      } else if (specifier.startsWith('#')) {
        const named = privateNameOf(own, specifier);
        if (named === null || !plan.files.has(named)) {
          problems.push(`${where} imports ${specifier}, which is not there`);
          continue;
        }
        target = named;
      } else {
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/');
        const owner = plan.packages.find((p) => p.manifest.name === name);
        const wanted = { ...own.manifest.dependencies, ...own.manifest.peerDependencies };
        const allowed = isSource
          ? wanted
          : { ...wanted, ...own.manifest.devDependencies, ...root.manifest.devDependencies };
        // Tests may use the private sister packages, which no published manifest can name.
        const sisterForTests = owner !== undefined && !isSource && (owner.manifest.private === true || own === root);
        if (owner !== own && !(name in allowed) && !sisterForTests) {
          problems.push(`${where} imports ${name}, which ${own.folder || 'the root'}/package.json does not depend on`);
        }
        if (owner === undefined) continue;
        const door = doorOf(owner, `.${specifier.slice(name.length)}`);
        if (door === null) {
          problems.push(`${where} goes past the doors of ${name}: ${specifier}`);
          continue;
        }
        target = door;
      }
      targets.push(target);
      const targetZone = zoneOf(target, plan.zones);
      const isAllowed = (z: string): boolean => zone.may.includes(z) || (typeOnly && zone.types?.includes(z) === true);
      if (targetZone !== null && targetZone !== zoneName && !isAllowed(targetZone)) {
        problems.push(`${where} ${zoneName} must not import ${targetZone} (${specifier})`);
      }
    }
  }
  problems.push(...referenceProblems(fileEdges, plan.projects));
  for (let ring = findCycle(fileEdges); ring !== null; ring = findCycle(fileEdges)) {
    problems.push(`import cycle: ${ring.join(' -> ')}`);
    // Without the edge that closes this one, the next is found.
    const [from, to] = ring.slice(-2) as [string, string];
    fileEdges.set(
      from,
      (fileEdges.get(from) ?? []).filter((target) => target !== to),
    );
  }
  return problems;
}

if (isMain(import.meta.url)) {
  const isOurs = (file: string): boolean => !strangers.some((folder) => file.startsWith(folder));
  const names = projectFiles(projectRoot).filter((f) => /\.[cm]?[jt]s$/.test(f) && isOurs(f));
  const files = new Map(names.map((f) => [f, readFileSync(path.join(projectRoot, f), 'utf8')]));
  const packages = projectPackages(projectRoot);
  const problems = importProblems({ zones, packages, projects: compilerProjects(projectRoot), files });
  reportProblems('check-imports', problems, `${files.size} files, ${Object.keys(zones).length} zones`);
}
