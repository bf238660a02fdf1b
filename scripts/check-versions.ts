/** Fails unless all packages carry one version, one licence and one engine, and name each other by that exact version. */
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
        } else if (!/^\d+\.\d+\.\d+$/.test(range)) {
          problems.push(`${where} names ${name} as ${range}: pin an exact version`);
        }
      }
    }
  }
  return problems;
}

if (isMain(import.meta.url)) {
  const packages = projectPackages(projectRoot);
  reportProblems(
    'check-versions',
    versionProblems(packages),
    `${packages.length} manifests at ${packages[0]!.manifest.version}`,
  );
}
