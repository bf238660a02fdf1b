/**
 * Fails unless all packages carry one version, one licence and one engine, name each other by that exact version, and the
 * lock file is whole: an entry that it lacks (often a package for another platform) makes `npm ci` fail in a fresh clone.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isMain, type ProjectPackage, projectPackages, projectRoot, reportProblems } from './project-files.ts';

export function versionProblems(packages: readonly ProjectPackage[]): string[] {
  const problems: string[] = [];
  const root = packages[0]!.manifest;
  const names = new Set(packages.map((p) => p.manifest.name));
  for (const { folder, manifest } of packages) {
    const where = `${folder === '' ? '' : `${folder}/`}package.json`;
    if (manifest.version !== root.version)
      problems.push(`${where} has version ${manifest.version}, not ${root.version}`);
    if (manifest.license !== root.license)
      problems.push(`${where} has licence ${manifest.license}, not ${root.license}`);
    if (manifest.engines?.node !== root.engines?.node) {
      problems.push(`${where} asks for node ${manifest.engines?.node}, not ${root.engines?.node}`);
    }
    if (manifest.type !== 'module') problems.push(`${where} is not an ES module package`);
    for (const field of ['dependencies', 'devDependencies', 'peerDependencies'] as const) {
      for (const [name, range] of Object.entries(manifest[field] ?? {})) {
        if (names.has(name) && range !== root.version) {
          problems.push(`${where} names ${name} as ${range}, not exactly ${root.version}`);
        } else if (field === 'peerDependencies') {
          // Which of them is there is for whoever installs the package to say.
          if (!/^>=\d+(\.\d+){0,2}$/.test(range)) {
            problems.push(`${where} names ${name} as ${range}: say the least version that will do, such as >=2`);
          }
        } else if (!/^\d+\.\d+\.\d+$/.test(range)) {
          problems.push(`${where} names ${name} as ${range}: pin an exact version`);
        }
      }
    }
  }
  return problems;
}

export interface LockFile {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly dependencies?: Readonly<Record<string, string>>;
        readonly optionalDependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

/** Packages that an entry of the lock file asks for and that no entry provides, there or in a folder above. */
export function lockProblems(lock: LockFile): string[] {
  const problems: string[] = [];
  for (const [place, entry] of Object.entries(lock.packages)) {
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      let folder = place;
      while (folder !== '' && lock.packages[`${folder}/node_modules/${name}`] === undefined) {
        folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
      }
      if (folder === '' && lock.packages[`node_modules/${name}`] === undefined) {
        problems.push(`package-lock.json has no ${name}, which ${place || 'the root'} asks for`);
      }
    }
  }
  return problems;
}

if (isMain(import.meta.url)) {
  const packages = projectPackages(projectRoot);
  const lock = JSON.parse(readFileSync(path.join(projectRoot, 'package-lock.json'), 'utf8')) as LockFile;
  const problems = [...versionProblems(packages), ...lockProblems(lock)];
  reportProblems('check-versions', problems, `${packages.length} manifests at ${packages[0]!.manifest.version}`);
}
